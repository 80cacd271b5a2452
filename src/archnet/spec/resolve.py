"""Resolve documents to experiments: shorthand, overrides, defaults by data set, and all problems with locations."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError, did_you_mean, pluralize
from archnet.files.documents.json_text import json_text, normalize_integers
from archnet.files.documents.names import name_problem
from archnet.files.documents.problems import remove_key
from archnet.files.path_argument import absolute_path
from archnet.files.strict_json import Document, JsonPath, Problem, read_document, slugify
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.augmentations import NO_SYMMETRIES, NO_SYMMETRIES_REMEDY, trained_symmetries
from archnet.spec.auto import restore_auto, valid_reasons
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import (
    AUTO,
    Data,
    Evaluation,
    Experiment,
    Split,
    Training,
)
from archnet.spec.input_channels import resolve_view
from archnet.spec.layers.layer_count import written_layers_problem
from archnet.spec.overrides import APPEND, apply_override
from archnet.spec.schema import schema_problems
from archnet.spec.section_options import (
    data_problems,
    freeze_problems,
    parse_data,
    parse_splits,
    parse_training,
    split_problems,
    training_problems,
)

MAX_RUNS: Final = 1_000
"""Maximum number of runs of an experiment: architectures times folds."""

PATH_KEYS: Final[tuple[JsonPath, ...]] = (
    ("data", "root"),
    ("data", "cases"),
    ("data", "readings"),
    ("training", "init"),
    ("training", "init", "weights"),
)
"""The keys of an experiment whose value is the path of a file or folder."""

SECTIONS: Final = ("data", "split", "training", "evaluation")
"""The parts of an experiment besides its architectures."""


def is_arch(value: Any) -> bool:
    """Whether a JSON value is an architecture rather than an experiment."""
    return isinstance(value, list) or (isinstance(value, dict) and "layers" in value)


def read_experiment_document(paths: Sequence[Path | str]) -> Document:
    """Read the experiment of the files on a command line: one experiment file, or architectures with defaults.

    Raises:
        DocumentError: A file is not strict JSON, or experiments are mixed with architectures.
    """
    documents = [read_document(path) for path in paths]
    if len(documents) == 1 and not is_arch(documents[0].value):
        return documents[0]
    for document in documents:
        _check_arch(document, "Give one experiment file alone, or architectures only.")
    names = [str(Path(document.source).resolve()) for document in documents]
    files = {name: replace(document, source=name) for name, document in zip(names, documents, strict=True)}
    return Document(value={"archs": names}, source="command line", files=files)


def read_arch_document(path: Path | str) -> Document:
    """Read a document that must be an architecture.

    Raises:
        DocumentError: The file is not strict JSON, or is an experiment.
    """
    document = read_document(path)
    if isinstance(document.value, dict) and {"arch", "archs"} & set(document.value):
        _check_arch(document, "This is an experiment; use one of its architectures.")
    return document


def _check_arch(document: Document, remedy: str) -> None:
    if not is_arch(document.value):
        raise DocumentError(
            f'{document.source}: expected an architecture (a list of layers, or an object with "layers"). {remedy}'
        )


def replace_data(document: Document, name: str) -> tuple[Document, list[str]]:
    """Replace the data set of an experiment, for `--data NAME` or `--data npz:PATH`.

    The old root and options that the new data set does not have are dropped. Options that were chosen automatically
    from the old data become "auto" again.

    Returns:
        The document, and the names of the dropped options.
    """
    name, _, root = name.partition(":")
    if name not in DATASETS:
        raise DocumentError(
            f"--data: unknown data set {json_text(name)}.{did_you_mean(name, DATASETS)} Known: {', '.join(DATASETS)}."
        )
    if bool(root) != DATASETS[name].is_file:
        raise DocumentError(
            f"--data {name} needs its file: --data {name}:PATH."
            if DATASETS[name].is_file
            else f"--data {name}: use --root {root} to name its folder."
        )
    value = copy.deepcopy(_restore_document_auto(document).value) if isinstance(document.value, dict) else {}
    old_options: dict[str, Any] = value["data"] if isinstance(value.get("data"), dict) else {}
    is_same = old_options.get("name") == name
    replaced_keys = {"name", "root", *(() if is_same else ("positive",)), *(() if is_same and not root else ("cases",))}
    kept_options = {key: old_options[key] for key in old_options if key in DATASETS[name].options - replaced_keys}
    value["data"] = {"name": name, **({"root": absolute_path(root, Path())} if root else {}), **kept_options}
    if not root and old_options.get("name") == name and "root" in old_options:
        value["data"]["root"] = old_options["root"]
    dropped_options = sorted(set(old_options) - set(kept_options) - {"name", "root"})
    return replace(document, value=value), dropped_options


def apply_overrides(document: Document, overrides: Sequence[tuple[JsonPath, Any]]) -> Document:
    """Apply overrides; options that were chosen automatically from what they change become "auto" again."""
    if any(_changes_training_set(path) or path[-1] in AUTO for path, _ in overrides):
        document = _restore_document_auto(document)
    for path, value in overrides:
        document = apply_override(document, path, value)
        if any(key[: len(path)] == path for key in PATH_KEYS):
            document = replace(document, value=resolve_paths(document.value, Path()))
    return document


def resolve_paths(value: Any, folder: Path) -> Any:
    """Convert data.root, data.cases and training.init of an experiment document to absolute paths.

    Args:
        value: The value; an invalid one is returned unchanged.
        folder: The folder of the document, to which paths are relative; see `absolute_path`.
    """
    for path in PATH_KEYS:
        value = _resolve_path(value, path, folder)
    return value


def _resolve_path(value: Any, path: JsonPath, folder: Path) -> Any:
    """Convert the text at a path of objects, if any, to an absolute path."""
    if not path:
        is_path = isinstance(value, str) and value and "\0" not in value
        return absolute_path(value, folder) if is_path else value
    if not isinstance(value, dict) or path[0] not in value:
        return value
    return {**value, path[0]: _resolve_path(value[path[0]], path[1:], folder)}


def allow_override(checks: Sequence[str]) -> list[tuple[JsonPath, Any]]:
    """Create the override that adds data checks to those whose errors do not stop a run."""
    return [(("data", "allow", APPEND), list(checks))] if checks else []


def _changes_training_set(path: JsonPath) -> bool:
    return path[0] in ("data", "split") and path[:2] not in (("data", "allow"), ("data", "cases"))


def data_experiments(
    data: str | Mapping[str, Any], overrides: Sequence[tuple[JsonPath, Any]] = ()
) -> tuple[Experiment, ...]:
    """Create the experiments, one per fold, on a data set with a linear network, to inspect data without a network.

    Args:
        data: Name of a data set, npz:PATH, or the "data" section of an experiment.
        overrides: As for `parse_experiments`.
    """
    linear = {"name": "linear", "rank": 2, "layers": [{"type": "T"}]}
    value = {"archs": [linear], "training": {"augmentation": []}}
    document = Document(value=value, source="command line")
    if isinstance(data, str):
        document, _ = replace_data(document, data)
    else:
        document = Document(value={**value, "data": dict(data)}, source="data")
    experiments = _parse_without_view(document, overrides)
    return tuple(
        resolve_view(replace(one, arch=replace(one.arch, channels=one.data.num_input_channels))) for one in experiments
    )


def parse_experiments(document: Document, overrides: Sequence[tuple[JsonPath, Any]] = ()) -> tuple[Experiment, ...]:
    """Parse the experiments of a document, one for each architecture and fold, with all defaults.

    Args:
        document: Result of `read_document`.
        overrides: Values that replace those of the document; keys under "arch" apply to every architecture.

    Raises:
        DocumentError: The document has problems; the message has a line for each.
    """
    return tuple(map(resolve_view, _parse_without_view(document, overrides)))


def _parse_without_view(document: Document, overrides: Sequence[tuple[JsonPath, Any]]) -> tuple[Experiment, ...]:
    document, archs = _validate_documents(document, overrides)
    document = replace(document, value=resolve_paths(document.value, Path(document.source).parent))
    sections = {name: dict(document.value.get(name) or {}) for name in SECTIONS}
    problems = data_problems(sections["data"]) + split_problems(sections["split"]) + _evaluation_problems(sections)
    problems += _label_problems(sections)
    problems += training_problems(sections["training"])
    if problems:
        raise document.error(problems)
    training = parse_training(sections["training"])
    splits = parse_splits(sections["split"])
    parsed_archs = _parse_archs(archs, document)
    if len(parsed_archs) * len(splits) > MAX_RUNS:
        raise document.error([Problem(("split", "folds"), _too_many_runs_text(len(parsed_archs), len(splits)))])
    frozen = [problem for arch in parsed_archs for problem in freeze_problems(training.freeze, arch)]
    if frozen:
        raise document.error(frozen)
    if tta := _tta_problems(sections["evaluation"], training, parsed_archs):
        raise document.error(tta)
    data = parse_data(sections["data"], [arch.input_shape for arch in parsed_archs if arch.input_shape])
    return tuple(
        Experiment(
            name=_experiment_name(document, data, split),
            description=document.value.get("description", ""),
            arch=arch,
            data=data,
            split=split,
            training=training,
            evaluation=Evaluation(**sections["evaluation"]),
            auto_reasons=valid_reasons(document.value.get("picked", {}), training, split.by),
        )
        for arch in parsed_archs
        for split in splits
    )


def _validate_documents(
    document: Document, overrides: Sequence[tuple[JsonPath, Any]]
) -> tuple[Document, list[Document]]:
    """Validate an experiment and its architectures, with overrides applied, against their schemas."""
    document = apply_overrides(document, [(path, value) for path, value in overrides if path[0] != "arch"])
    document = replace(document, value=normalize_integers(document.value))
    if too_many := _inline_layers_problem(document.value):
        raise document.error([too_many])
    problems = schema_problems(document, "experiment")
    if isinstance(document.value, dict) and {"arch", "archs"} <= set(document.value):
        repairs = (remove_key(("arch",)), remove_key(("archs",)))
        problems.append(Problem(("arch",), 'both "arch" and "archs" are given. Keep one of them.', repairs))
    if problems:
        raise document.error(problems)
    archs = _read_arch_documents(document)
    for path, value in overrides:
        if path[0] == "arch":
            archs = [apply_override(arch, path[1:], value) for arch in archs]
    return document, archs


def _inline_layers_problem(value: Any) -> Problem | None:
    """Report too many layers in the inline architectures of an experiment, valid or not."""
    for key in ("arch", "archs"):
        entry = value.get(key) if isinstance(value, dict) else None
        archs = entry if key == "archs" and isinstance(entry, list) else [entry]
        lists = [arch.get("layers") if isinstance(arch, dict) else arch for arch in archs]
        layers = [layer for layers in lists if isinstance(layers, list) for layer in layers]
        if problem := written_layers_problem(layers, (key,)):
            return problem
    return None


def _too_many_runs_text(num_archs: int, num_folds: int) -> str:
    runs = f"{pluralize(num_archs, 'architecture')} with {num_folds:,} folds are {num_archs * num_folds:,} runs"
    return f"{runs}; an experiment has at most {MAX_RUNS:,}. Lower split.folds, or use several experiments."


def _restore_document_auto(document: Document) -> Document:
    """Restore "auto" for the options that were chosen automatically, except those that were edited since."""
    normalized = replace(document, value=normalize_integers(document.value))
    if (
        not isinstance(normalized.value, dict)
        or not normalized.value.get("picked")
        or schema_problems(normalized, "experiment")
    ):
        return document
    split_by = (normalized.value.get("split") or {}).get("by") or Split().by
    reasons = valid_reasons(normalized.value["picked"], parse_training(normalized.value.get("training", {})), split_by)
    return replace(document, value=restore_auto({**normalized.value, "picked": reasons}))


def _parse_archs(archs: Sequence[Document], document: Document) -> list[Arch]:
    parsed = {id(arch): parse_arch(arch) for arch in {id(arch): arch for arch in archs}.values()}
    result = [parsed[id(arch)] for arch in archs]
    problem = _name_clash([arch.name for arch in result])
    if problem:
        raise document.error([Problem(("archs",), f'{problem}. Give each its own "name".')])
    return result


def _name_clash(names: Sequence[str]) -> str | None:
    """Describe two names that would share a run folder on some file systems.

    >>> _name_clash(["net", "Net"])
    'two architectures are named "net" and "Net", which are the same folder on Windows and macOS'
    """
    spellings: dict[str, str] = {}
    for name in names:
        other = spellings.setdefault(name.lower(), name)
        if names.count(name) > 1:
            return f'two architectures are named "{name}"'
        if other != name:
            return f'two architectures are named "{other}" and "{name}", which are the same folder on Windows and macOS'
    return None


def _read_arch_documents(document: Document) -> list[Document]:
    """Read the architecture documents of an experiment; relative paths are resolved against its folder."""
    if "arch" in document.value:
        return [Document(value=document.value["arch"], source=f"{document.source} $.arch")]
    entries = document.value["archs"]
    names = dict.fromkeys(entry for entry in entries if isinstance(entry, str))
    files = {name: document.read(name) for name in names}
    return [
        files[entry]
        if isinstance(entry, str)
        else Document(value=_name_arch(entry, f"arch{index + 1}"), source=f"{document.source} $.archs[{index}]")
        for index, entry in enumerate(entries)
    ]


def _name_arch(arch: Any, name: str) -> Any:
    """Return an inline architecture with its own name, or else the given one."""
    if isinstance(arch, list):
        return {"name": name, "layers": arch}
    return {"name": name, **arch}


def _evaluation_problems(sections: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    name = sections["data"].get("name", Data().name)
    if not sections["evaluation"].get("keep_all_candidates"):
        return []
    path = ("evaluation", "keep_all_candidates")
    if "negatives_per_positive" not in DATASETS[name].options:
        return [
            Problem(path, f'the data set "{name}" always keeps all its cases. Remove this option.', (remove_key(path),))
        ]
    if sections["data"].get("task") == "malignancy":
        return [
            Problem(path, 'the task "malignancy" always keeps all nodules. Remove this option.', (remove_key(path),))
        ]
    return []


def _tta_problems(options: Mapping[str, Any], training: Training, archs: Sequence[Arch]) -> list[Problem]:
    """Report test-time augmentation without symmetries, unless the augmentation is still to be chosen."""
    path = ("evaluation", "tta")
    if not options.get("tta") or "augmentation" in training.auto:
        return []
    symmetries = [trained_symmetries(training.augmentation, arch.rank) for arch in archs]
    if all(len(turns) > 1 or axes for turns, axes in symmetries):
        return []
    return [Problem(path, f"{NO_SYMMETRIES} {NO_SYMMETRIES_REMEDY}", (remove_key(path),))]


def _label_problems(sections: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    data, training = sections["data"], sections["training"]
    problems: list[Problem] = []
    if data.get("undecided") == "soft" and training.get("soft_labels") is False:
        text = 'is false, but data.undecided is "soft": undecided nodules have no other label. Remove one of the two.'
        problems.append(Problem(("training", "soft_labels"), text))
    if data.get("label_weights") == "agreement" and training.get("case_weights") is False:
        text = 'is false, but data.label_weights is "agreement": the weights would be ignored. Remove one of the two.'
        problems.append(Problem(("training", "case_weights"), text))
    return problems


def _experiment_name(document: Document, data: Data, split: Split) -> str:
    """The name of an experiment, or its default name.

    Raises:
        DocumentError: The name is not a valid folder name.
    """
    name: str = document.value.get("name") or _default_name(document, data, split)
    if problem := name_problem(name):
        raise document.error([Problem(("name",), problem)])
    return name


def _default_name(document: Document, data: Data, split: Split) -> str:
    """The name of the experiment file; for a shorthand, the name of the data set with unusual options of the split."""
    if document.lines:
        return slugify(Path(document.source).stem)
    label = slugify(Path(data.root).stem) if DATASETS[data.name].is_file and data.root else data.name
    method = "" if split.by in ("auto", "group") else f"-{split.by}"
    folds = f"-folds{split.folds}" if split.folds and split.by != "official" else ""
    seed = "" if split.seed == Split().seed else f"-split{split.seed}"
    return f"{label}{method}{folds}{seed}"
