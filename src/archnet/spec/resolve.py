"""From documents to experiments: shorthand, overrides, defaults by data set, and every problem with its place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from archnet.errors import DocumentError, did_you_mean
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.augmentations import AUGMENTATIONS, Augmentation
from archnet.spec.datasets import DATASETS
from archnet.spec.documents import Document, JsonPath, Problem, name_from, read_document, schema_problems
from archnet.spec.experiment import Data, EarlyStopping, Evaluation, Experiment, Schedule, Split, Training

SECTIONS: Final = ("data", "split", "training", "evaluation")
"""The parts of an experiment beside its architectures."""


def is_arch(value: Any) -> bool:
    """Whether a JSON value is meant as an architecture, not an experiment."""
    return isinstance(value, list) or (isinstance(value, dict) and "layers" in value)


def command_experiment(paths: Sequence[Path | str]) -> Document:
    """The experiment that files on a command line mean: one experiment file, or architectures with defaults.

    Raises:
        DocumentError: A file is not strict JSON, or experiments are mixed with architectures.
    """
    documents = [read_document(path) for path in paths]
    if len(documents) == 1 and not is_arch(documents[0].value):
        return documents[0]
    for document in documents:
        _check_arch(document, "Give one experiment file alone, or architectures only.")
    return Document(value={"archs": [str(Path(path).resolve()) for path in paths]}, source="command line")


def architecture_document(path: Path | str) -> Document:
    """The document in a file that must be an architecture.

    Raises:
        DocumentError: The file is not strict JSON, or an experiment.
    """
    document = read_document(path)
    if isinstance(document.value, dict) and {"arch", "archs"} & set(document.value):
        _check_arch(document, "This is an experiment; name one of its architectures.")
    return document


def _check_arch(document: Document, remedy: str) -> None:
    if not is_arch(document.value):
        raise DocumentError(
            f'{document.source}: expected an architecture (a list of layers, or an object with "layers"). {remedy}'
        )


def with_data(document: Document, name: str) -> tuple[Document, list[str]]:
    """The experiment on other data: `--data NAME` or `--data npz:PATH`.

    Options that the new data set does not have are dropped; so is the old one's root.

    Returns:
        The document, and the names of the dropped options.
    """
    name, _, root = name.partition(":")
    if name not in DATASETS:
        raise DocumentError(
            f'--data: unknown data set "{name}".{did_you_mean(name, DATASETS)} Known: {", ".join(DATASETS)}.'
        )
    if bool(root) != (name == "npz"):
        raise DocumentError(
            "--data npz needs its file: --data npz:PATH."
            if name == "npz"
            else f"--data {name}: use --root {root} to name its folder."
        )
    value = copy.deepcopy(document.value) if isinstance(document.value, dict) else {}
    given: dict[str, Any] = value["data"] if isinstance(value.get("data"), dict) else {}
    moved = {"name", "root", *(() if given.get("name") == name else ("positive",))}
    kept = {key: given[key] for key in given if key in DATASETS[name].options - moved}
    value["data"] = {"name": name, **({"root": root} if root else {}), **kept}
    if not root and given.get("name") == name and "root" in given:
        value["data"]["root"] = given["root"]
    dropped = sorted(set(given) - set(kept) - {"name", "root"})
    return replace(document, value=value), dropped


def data_experiment(name: str, settings: Sequence[tuple[JsonPath, Any]] = ()) -> Experiment:
    """An experiment on a data set with a linear network, for looking at the data before there is a better one.

    Args:
        name: As after `--data`.
        settings: As for `parse_experiments`.
    """
    linear = {"name": "linear", "rank": 2, "layers": [{"type": "T"}]}
    document, _ = with_data(Document(value={"archs": [linear]}, source="command line"), name)
    return parse_experiments(document, settings)[0]


_STEP = re.compile(r"([A-Za-z_$][\w$-]*)|\[(\d+)\]")


def parse_key(text: str) -> JsonPath:
    """A dotted key such as `arch.layers[0].num_output` as a path.

    >>> parse_key("arch.layers[0].num_output")
    ('arch', 'layers', 0, 'num_output')

    Raises:
        DocumentError: The text is not a dotted key.
    """
    path: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            break
        path.append(match[1] if match[1] else int(match[2]))
        position = match.end()
        if text[position : position + 1] == "." and position + 1 < len(text):
            position += 1
    if position < len(text) or not path or isinstance(path[0], int):
        raise DocumentError(f'"{text}" is not a key. Write it like training.epochs or arch.layers[0].num_output.')
    return tuple(path)


def parse_setting(text: str) -> tuple[JsonPath, Any]:
    """A `--set KEY=VALUE`: the path and the value, read as JSON where it is JSON, else as text.

    Raises:
        DocumentError: There is no "=", or the key is not a dotted key.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise DocumentError(f'--set "{text}": expected KEY=VALUE, such as --set training.epochs=5.')
    try:
        return parse_key(key.strip()), json.loads(value)
    except json.JSONDecodeError:
        return parse_key(key.strip()), value


def with_setting(document: Document, path: JsonPath, value: Any) -> Document:
    """The document with one value replaced; objects on the way are made.

    Raises:
        DocumentError: The path leads through a value that is no object, or beyond the end of an array.
    """
    if not path:
        return replace(document, value=value, lines={})
    changed = copy.deepcopy(document.value)
    place = changed
    for depth, (step, following) in enumerate(zip(path, (*path[1:], None), strict=True)):
        fits = isinstance(place, list) and isinstance(step, int) and step < len(place)
        if not fits and not (isinstance(place, dict) and isinstance(step, str)):
            raise DocumentError(document.problem(path[:depth], f"has no {step!r} to set."))
        if following is None:
            place[step] = value
        elif isinstance(place, dict) and place.get(step) is None:
            place[step] = {}
        place = place[step]
    lines = {known: line for known, line in document.lines.items() if known[: len(path)] != path}
    return replace(document, value=changed, lines=lines)


def parse_experiments(document: Document, settings: Sequence[tuple[JsonPath, Any]] = ()) -> tuple[Experiment, ...]:
    """The experiments of a document, one for each of its architectures, every default filled in.

    Args:
        document: As `read_document` gives it.
        settings: Values that replace those of the document; keys under "arch" change every architecture.

    Raises:
        DocumentError: One line for every problem found.
    """
    for path, value in settings:
        if path[0] != "arch":
            document = with_setting(document, path, value)
    document = replace(document, value=_whole(document.value))
    problems = schema_problems(document, "experiment")
    if isinstance(document.value, dict) and {"arch", "archs"} <= set(document.value):
        problems.append((("arch",), 'both "arch" and "archs" are given. Keep one of them.'))
    if problems:
        raise document.error(problems)
    archs = _archs(document)
    for path, value in settings:
        if path[0] == "arch":
            archs = [with_setting(arch, path[1:], value) for arch in archs]
    sections = {name: dict(document.value.get(name) or {}) for name in SECTIONS}
    problems = _data_problems(sections["data"])
    if problems:
        raise document.error(problems)
    training = _training(sections["training"])
    split = Split(**sections["split"])
    if split.test + split.validation >= 1:
        raise document.error([(("split",), "test and validation leave nothing to train on. Lower one of them.")])
    data = _data(sections["data"])
    experiments = tuple(
        Experiment(
            name=document.value.get("name") or _default_name(document, data, split),
            arch=arch,
            data=replace(data, view=_view(data, arch)),
            split=split,
            training=training,
            evaluation=Evaluation(**sections["evaluation"]),
        )
        for arch in map(parse_arch, archs)
    )
    names = [experiment.arch.name for experiment in experiments]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise document.error([(("archs",), f'two architectures are named "{twice[0]}". Give each its own "name".')])
    return experiments


def _whole(value: Any) -> Any:
    """A JSON value whose whole numbers are integers, however they are written: 5.0 and 5e0 are 5."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(entry) for key, entry in value.items()}
    return [_whole(entry) for entry in value] if isinstance(value, list) else value


def _archs(document: Document) -> list[Document]:
    """The architecture documents that an experiment names or holds; relative paths start at its own folder."""
    if "arch" in document.value:
        return [Document(value=document.value["arch"], source=f"{document.source} $.arch")]
    folder = Path(document.source).parent
    return [
        read_document(folder / entry)
        if isinstance(entry, str)
        else Document(value=_named(entry, f"arch{index + 1}"), source=f"{document.source} $.archs[{index}]")
        for index, entry in enumerate(document.value["archs"])
    ]


def _named(arch: Any, name: str) -> Any:
    """An inline architecture with a name of its own, or the one given."""
    if isinstance(arch, list):
        return {"name": name, "layers": arch}
    return {"name": name, **arch}


def _data_problems(data: Mapping[str, Any]) -> list[Problem]:
    name = data.get("name", Data().name)
    spec = DATASETS[name]
    problems: list[Problem] = [
        (("data", key), f'the data set "{name}" has no option "{key}". Its options: {", ".join(sorted(spec.options))}.')
        for key in data
        if key not in spec.options
    ]
    for key in ("window_hu", "range"):
        limits = data.get(key)
        if isinstance(limits, list) and limits[0] >= limits[1]:
            problems.append((("data", key), f"expected [low, high] with low below high, got {limits}."))
    if name == "npz" and not data.get("root"):
        problems.append((("data",), 'the data set "npz" needs "root", the path of the file; or use --data npz:PATH.'))
    return problems


def _data(given: Mapping[str, Any]) -> Data:
    defaults = DATASETS[given.get("name", Data().name)].defaults
    values = {key: _frozen(value) for key, value in {**defaults, **_set(given)}.items()}
    if "positive" in values:
        values["positive"] = str(values["positive"])
    return Data(**values)


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not null, which stands for the default."""
    return {key: value for key, value in given.items() if value is not None}


def _view(data: Data, arch: Arch) -> Literal["slice", "slices-as-channels", "volume"]:
    if arch.rank == 3:
        return "volume"
    if data.view == "volume":
        raise DocumentError(
            f'{arch.document.source}: a 2D network cannot see a whole volume. Set data.view to "slice" or '
            '"slices-as-channels".'
        )
    return data.view or "slice"


def _training(given: Mapping[str, Any]) -> Training:
    values = {key: _frozen(value) for key, value in given.items()}
    if "schedule" in given:
        values["schedule"] = Schedule(**given["schedule"])
    if given.get("early_stopping") is not None:
        values["early_stopping"] = EarlyStopping(**given["early_stopping"])
    if "augmentation" in given:
        values["augmentation"] = tuple(_augmentation(entry) for entry in given["augmentation"])
    return Training(**values)


def _augmentation(entry: Mapping[str, Any]) -> Augmentation:
    return AUGMENTATIONS[entry["type"]](**{key: _frozen(value) for key, value in entry.items() if key != "type"})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _default_name(document: Document, data: Data, split: Split) -> str:
    """The experiment file's name, or for a shorthand the data's with what is unusual about the split."""
    if document.lines:
        return name_from(Path(document.source).stem)
    label = name_from(Path(data.root).stem) if data.name == "npz" and data.root else data.name
    by = "" if split.by == Split().by else f"-{split.by}"
    seed = "" if split.seed == Split().seed else f"-split{split.seed}"
    return f"{label}{by}{seed}"
