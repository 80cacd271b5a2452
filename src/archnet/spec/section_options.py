"""The sections of an experiment document: conflicts between options, and parsing with defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archnet.files.documents.json_text import json_text
from archnet.files.documents.problems import remove_key, set_key
from archnet.files.strict_json import Problem
from archnet.spec.arch import Arch
from archnet.spec.augmentations import AUGMENTATIONS, Augmentation
from archnet.spec.datasets import DATASETS, READING_OPTIONS, size_in_voxels
from archnet.spec.experiment import (
    ALL,
    AUTO,
    Data,
    EarlyStopping,
    Evaluation,
    Freeze,
    Init,
    Mixup,
    Schedule,
    Split,
    Training,
)
from archnet.spec.memory import parse_bytes
from archnet.spec.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS

MAX_CROP_SIZE: Final = 4096
"""Maximum number of voxels along one axis of a crop, as in the schema of `crop_size`."""

MAX_SEED: Final = 2**31 - 1
"""Largest seed of a training, as in the schema of `seed`."""

NUM_OFFICIAL_FOLDS: Final = 10
"""Number of official folds of LUNA16, in the folders subset0 to subset9."""


def data_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Yield problems of the data options of a document, beyond its schema."""
    name = options.get("name", Data().name)
    spec = DATASETS[name]
    problems: list[Problem] = [
        Problem(("data", key), _unknown_option_text(name, key), (remove_key(("data", key)),))
        for key in options
        if key not in spec.options
    ]
    problems += _range_problems(options)
    problems += [] if problems else _task_problems(options)
    if options.get("crop_size_mm") is not None and not problems:
        problems += _physical_size_problems(options)
    if spec.is_file and not options.get("root"):
        remedy = f'"root", the path of the file; or use --data {name}:PATH.'
        problems.append(Problem(("data",), f'the data set "{name}" needs {remedy}'))
    return problems


def _unknown_option_text(name: str, key: str) -> str:
    if key in READING_OPTIONS:
        return f'the data set "{name}" has no readings of LIDC-IDRI. Use the data set "luna16", or remove this option.'
    return f'the data set "{name}" has no option "{key}". Its options: {", ".join(sorted(DATASETS[name].options))}.'


def _range_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("window_hu", "range"):
        value = options.get(key)
        pairs = [] if not isinstance(value, list) else value if isinstance(value[0], list) else [value]
        for low, high in pairs:
            if low >= high:
                yield Problem(("data", key), f"expected [low, high] with low below high, got {[low, high]}.")
        if key == "window_hu" and len(pairs) > 1 and isinstance(options.get("range"), list):
            yield Problem(
                ("data", key),
                f"has {len(pairs)} windows, but data.range sets the values of 0 and 1. Remove one of the two.",
            )
        num_channels = options.get("channels", Data().channels)
        if key == "range" and len(pairs) not in (0, 1, num_channels):
            yield Problem(
                ("data", key),
                f"has {len(pairs)} pairs, but data.channels is {num_channels}. Give one pair for each channel, or one "
                "for all.",
            )


def _task_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    if options.get("task") == "malignancy":
        if options.get("negatives_per_positive") not in (None, "all"):
            yield Problem(
                ("data", "negatives_per_positive"),
                'the task "malignancy" keeps all nodules. Remove this option.',
                (remove_key(("data", "negatives_per_positive")),),
            )
        return
    for key in ("undecided", "label_weights"):
        if options.get(key) not in (None, getattr(Data(), key)):
            yield Problem(
                ("data", key),
                'applies only to the task "malignancy". Set data.task=malignancy, or remove this option.',
                (remove_key(("data", key)), set_key(("data",), "task", "malignancy")),
            )


def _physical_size_problems(options: Mapping[str, Any]) -> list[Problem]:
    path = ("data", "crop_size_mm")
    if options.get("spacing_mm") is None:
        return [Problem(path, "needs spacing_mm: without it, crops of different scans would differ in shape.")]
    if any(length > MAX_CROP_SIZE * step for length in options["crop_size_mm"] for step in options["spacing_mm"]):
        return [
            Problem(path, f"gives more than {MAX_CROP_SIZE:,} voxels at this spacing. Lower it, or raise spacing_mm.")
        ]
    size, crop_size = list(size_in_voxels(options["crop_size_mm"], options["spacing_mm"])), options.get("crop_size")
    if crop_size not in (None, "auto", size):
        return [
            Problem(path, f"gives {size} voxels at this spacing, but crop_size is {crop_size}. Remove one of the two.")
        ]
    return []


def parse_data(options: Mapping[str, Any], input_shapes: Sequence[tuple[int, ...]] = ()) -> Data:
    """Parse the data options of a document, with the defaults of the data set.

    Args:
        options: Options without problems.
        input_shapes: Input shapes that the architectures were designed for, (height, width[, depth]).
    """
    defaults = dict(DATASETS[options.get("name", Data().name)].defaults)
    if options.get("task") == "malignancy":
        defaults["negatives_per_positive"] = "all"
    given = {key: value for key, value in _drop_nulls(options).items() if (key, value) != ("crop_size", "auto")}
    merged = {**defaults, **given}
    if "crop_size" in set(defaults) - set(given):
        merged["crop_size"] = common_crop_size(input_shapes, defaults["crop_size"])
    values: dict[str, Any] = {key: _freeze(value) for key, value in merged.items()}
    for key in ("window_hu", "range"):
        if key in values and len(values[key]) == 1:
            (values[key],) = values[key]
    for key in {"positive", "series"} & {key for key, value in values.items() if value is not None}:
        values[key] = str(values[key])
    if values.get("crop_size_mm"):
        values["crop_size"] = size_in_voxels(values["crop_size_mm"], values["spacing_mm"])
    return Data(**values)


def _freeze(value: Any) -> Any:
    """Convert the lists of a JSON value to tuples."""
    return tuple(map(_freeze, value)) if isinstance(value, list | tuple) else value


def complete_data(options: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the resolved data options of a run folder of an earlier version with the defaults of newer options.

    >>> complete_data({"name": "npz", "root": "a.npz", "positive": "2"})["axes"]
    'hwd'
    """
    if options.get("name") not in DATASETS:
        return dict(options)
    defaults = parse_data({"name": options["name"]})
    missing = sorted(DATASETS[options["name"]].options - {"view"} - set(options))
    values = {key: getattr(defaults, key) for key in missing}
    return {**options, **{key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}}


def complete_training(options: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the resolved training options of a run folder of an earlier version with the defaults of newer options.

    >>> complete_training({"seed": 1})
    {'soft_labels': 'auto', 'case_weights': 'auto', 'mixup': None, 'members': 1, 'seed': 1}
    """
    defaults, newer = Training(), ("soft_labels", "case_weights", "mixup", "members")
    return {**{key: getattr(defaults, key) for key in newer}, **options}


def complete_evaluation(options: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the resolved evaluation options of a run folder with test-time augmentation, which version 0.1.0 lacks.

    >>> complete_evaluation({"threshold": 0.5})
    {'tta': False, 'threshold': 0.5}
    """
    return {"tta": Evaluation().tta, **options}


def common_crop_size(input_shapes: Sequence[tuple[int, ...]], published: tuple[int, int, int]) -> tuple[int, ...]:
    """The crop size for which all architectures were designed; the published one if they differ or state none.

    Args:
        input_shapes: Input shapes of the architectures that state one, (height, width[, depth]).
        published: The crop size of the data set, (height, width, depth), whose depth 2D architectures use.

    >>> common_crop_size([(48, 48), (48, 48, 16)], (64, 64, 10))
    (48, 48, 16)
    >>> common_crop_size([(48, 48)], (64, 64, 10)), common_crop_size([(48, 48), (64, 64)], (64, 64, 10))
    ((48, 48, 10), (64, 64, 10))
    """
    planes = {shape[:2] for shape in input_shapes}
    depths = {shape[2] for shape in input_shapes if len(shape) == 3} or {published[2]}
    return (*planes.pop(), *depths) if len(planes) == len(depths) == 1 else published


def split_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Yield conflicts between the keys of a split, each of which is valid by itself."""
    problems = _split_option_problems(_drop_nulls(options))
    return [problem._replace(path=("split", *problem.path)) for problem in problems]


def parse_splits(options: Mapping[str, Any]) -> tuple[Split, ...]:
    """Parse the splits of a document: one, or one per fold.

    Args:
        options: Keys without problems.
    """
    split = Split(**_drop_nulls(options))
    folds = _num_folds(_drop_nulls(options))
    if folds is None:
        return (split,)
    split = replace(split, test=None, folds=folds)
    fold_indices = range(folds) if split.fold is None else (split.fold,)
    return tuple(replace(split, fold=fold) for fold in fold_indices)


def _num_folds(options: Mapping[str, Any]) -> int | None:
    is_official = options.get("by") == "official"
    folds: int | None = options.get("folds", NUM_OFFICIAL_FOLDS if is_official else None)
    return folds


def _split_option_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    by, folds, fold = options.get("by"), _num_folds(options), options.get("fold")
    if by in ("own", "own_test") and {"folds", "fold"} & set(options):
        yield Problem(
            (),
            f'by "{by}" uses the sets that the data set defines, which have no folds. Remove folds and fold, or by.',
        )
        return
    if by == "official" and folds != NUM_OFFICIAL_FOLDS:
        yield Problem(
            ("folds",), f"there are {NUM_OFFICIAL_FOLDS} official folds, got {folds}. Remove it, or split by group."
        )
    if folds is None and fold is not None:
        yield Problem(("fold",), "there are no folds to choose from. Set split.folds, such as 10.")
    if folds is not None and fold is not None and fold >= folds:
        yield Problem(("fold",), f"expected one of the {folds} folds, 0 to {folds - 1}, got {fold}.")
    if folds is not None and "test" in options:
        yield Problem(
            ("test",),
            "with folds, each fold is the test set once, so there is no share. Remove it, or set it to null.",
        )
    test = 1 / folds if folds else options.get("test", Split().test)
    if test + options.get("validation", Split().validation) >= 1:
        yield Problem((), "test and validation leave no training cases. Lower one of them.")


def training_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Yield problems of the training options of a document, beyond its schema."""
    try:
        parse_bytes(0 if options.get("memory") is None else options["memory"])
    except ValueError as error:
        return [Problem(("training", "memory"), str(error))]
    members, seed = options.get("members", Training().members), options.get("seed", Training().seed)
    if (seed + 1) * members - 1 > MAX_SEED:
        text = f"the {members} members have the seeds from {seed * members:,} on, and a seed is at most {MAX_SEED:,}."
        return [Problem(("training", "seed"), f"{text} Use a smaller seed.")]
    return []


_NESTED_OPTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "schedule": Schedule,
    "early_stopping": EarlyStopping,
    "mixup": Mixup,
}
"""Training options that are objects of a document, with their classes."""


def parse_training(options: Mapping[str, Any]) -> Training:
    """Parse the training options of a document, with the defaults of its optimizer.

    Args:
        options: Options without problems; one of `AUTO` that is missing means "auto".
    """
    auto = tuple(key for key in AUTO if options.get(key, "auto") == "auto")
    given = {key: value for key, value in options.items() if key not in auto}
    values = {**OPTIMIZERS[given.get("optimizer", DEFAULT_OPTIMIZER)].defaults(), **given}
    for key, parse in _NESTED_OPTIONS.items():
        if given.get(key) is not None:
            values[key] = parse(**given[key])
    if given.get("init") is not None:
        values["init"] = _parse_init(given["init"])
    if given.get("freeze") is not None:
        values["freeze"] = _parse_freeze(given["freeze"])
    if "augmentation" in given:
        values["augmentation"] = tuple(map(_parse_augmentation, given["augmentation"]))
    return Training(auto=auto, **values)


def _parse_init(document: str | Mapping[str, Any]) -> Init:
    return Init(weights=document) if isinstance(document, str) else Init(**document)


def _parse_freeze(document: str | Sequence[int] | Mapping[str, Any]) -> Freeze:
    options = {**document} if isinstance(document, Mapping) else {"layers": document}
    layers = options.pop("layers", ALL)
    return Freeze(layers=ALL if isinstance(layers, str) else tuple(layers), **options)


def freeze_problems(freeze: Freeze | None, arch: Arch) -> list[Problem]:
    """Yield problems of `training.freeze` for an architecture."""
    last = len(arch.layers) - 1
    if freeze is None or freeze.layers == ALL or all(index < last for index in freeze.layers):
        return []
    wrong = next(index for index in freeze.layers if index >= last)
    reason = f"layer {wrong} is T, which is always trainable" if wrong == last else f"there is no layer {wrong}"
    known = f"the others of {json_text(arch.name)} are 0 to {last - 1}" if last else "there is no other layer"
    return [Problem(("training", "freeze"), f'{reason}; {known}. "all" freezes all but T.')]


def _parse_augmentation(document: Mapping[str, Any]) -> Augmentation:
    parameters = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    return AUGMENTATIONS[str(parameters.pop("type"))](**parameters)


def _drop_nulls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Remove options that are null, which means the default."""
    return {key: value for key, value in options.items() if value is not None}
