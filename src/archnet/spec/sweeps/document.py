"""A sweep from its document: its files read in, every problem reported at once with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, JsonPath, Problem, name_from, read_document
from archnet.spec.arch import parse_arch
from archnet.spec.experiment import Experiment
from archnet.spec.memory import bytes_of
from archnet.spec.overrides import parse_key
from archnet.spec.resolve import is_arch, parse_experiments, with_data, with_settings
from archnet.spec.schema import schema_problems
from archnet.spec.sweeps.search_space import axis_from, range_problems
from archnet.spec.sweeps.sweep import ARCH, PLAIN_KEYS, Limits, Resources, Scheduler, Sweep, with_arch

_CASES: Final = ("data", "data.name", "data.root", "data.negatives_per_positive")
"""Keys of the data that say which cases there are."""


def parse_sweep(
    document: Document,
    *,
    trials: int | None = None,
    data: str | None = None,
    settings: Sequence[tuple[JsonPath, Any]] = (),
) -> Sweep:
    """The sweep that a document means, its files read in.

    Args:
        document: As `read_document` gives it.
        trials: Replaces the document's number.
        data: Replaces the base experiment's data set; see `with_data`.
        settings: Values that replace those of the base experiment, beside its architecture's.

    Raises:
        DocumentError: One line for every problem found.
    """
    problems = schema_problems(document, "sweep")
    if problems:
        raise document.error(problems)
    given: dict[str, Any] = {**document.value, **({} if trials is None else {"trials": trials})}
    problems += [*_key_problems(given), *_axis_problems(given)]
    archs, arch_problems = _archs(document, given)
    change = partial(_changed, data=data, settings=settings)
    base, base_problems = _base(document, given, archs, change)
    problems += [*arch_problems, *base_problems]
    if base is None:
        raise document.error(problems)
    sweep = _sweep(document, given, base, archs)
    problems += _value_problems(sweep, {path[1] for path, _ in problems if path[0] == "space"})
    if problems:
        raise document.error(problems)
    return sweep


def _sweep(document: Document, given: Mapping[str, Any], base: Document, archs: Mapping[str, Document]) -> Sweep:
    space = {key: axis_from(list(archs) if key == ARCH else value) for key, value in given.get("space", {}).items()}
    return Sweep(
        name=given.get("name") or name_from(Path(document.source).stem),
        base=base,
        space=space,
        archs=archs,
        scheduler=Scheduler(**given["scheduler"]) if given.get("scheduler") else None,
        resources=Resources(**given.get("resources", {})),
        limits=Limits(**given.get("limits", {})),
        **{key: given[key] for key in PLAIN_KEYS if key in given},
    )


def _key_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys that do not go together."""
    search, space = given.get("search", "grid"), given.get("space", {})
    if search != "grid" and given.get("trials") is None:
        yield ("search",), f'"{search}" needs the number of trials. Give "trials", such as 20.'
    if search != "grid" and not space:
        yield ("search",), f'"{search}" has nothing to draw: "space" is empty. Give it axes, or remove "search".'
    if given.get("scheduler") and (given.get("folds") or given.get("seeds")):
        yield (
            ("scheduler",),
            "trials of several folds or seeds are compared by their mean, which an early end spoils. "
            "Remove it, or folds and seeds.",
        )
    yield from _incomparable(given)
    if given.get("seeds") and "training.seed" in space:
        yield ("space", "training.seed"), '"seeds" already goes through this key. Remove one of the two.'
    try:
        memory = given.get("limits", {}).get("memory")
        bytes_of(0 if memory is None else memory)
    except ValueError as error:
        yield ("limits", "memory"), str(error)


def _incomparable(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Axes that would have trials judged on different cases, or by different measures."""
    for key in given.get("space", {}):
        if key in _CASES or key.split(".")[0] == "split":
            yield (
                ("space", key),
                "trials on other cases cannot be compared. Make a sweep of each; folds and seeds repeat trials.",
            )
        if key in ("training.loss", "training.focal_gamma") and given.get("metric", "loss") == "loss":
            yield (
                ("space", key),
                'losses of different kinds cannot be compared. Choose by another metric: "auc".',
            )


def _axis_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Axes that have no key, or whose range cannot be meant."""
    for key, value in given.get("space", {}).items():
        path = ("space", key)
        if key == "archs":
            yield path, 'the axis of architectures is called "arch".'
        try:
            parse_key(key)
        except DocumentError as error:
            yield path, str(error)
        if isinstance(value, dict):
            yield from ((path, "architectures are a choice. Give an array of files."),) if key == ARCH else ()
            yield from range_problems(path, value, given.get("search", "grid"))


def _archs(document: Document, given: Mapping[str, Any]) -> tuple[dict[str, Document], list[Problem]]:
    """The architectures of the axis "arch", by name; relative paths start at the sweep's own folder."""
    archs: dict[str, Document] = {}
    problems: list[Problem] = []
    entries = given.get("space", {}).get(ARCH, [])
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        path = ("space", ARCH, index)
        try:
            arch = _arch(document, entry, path)
        except DocumentError as error:
            problems += [(path, line) for line in str(error).splitlines()]
            continue
        name = arch.value["name"]
        if name in archs:
            problems.append((path, f'there is another architecture named "{name}". Give each its own "name".'))
        archs[name] = arch
    return archs, problems


def _arch(document: Document, entry: Any, path: JsonPath) -> Document:
    """One architecture, whose value has a name.

    Raises:
        DocumentError: It cannot be read, or is no architecture.
    """
    if isinstance(entry, str):
        arch = read_document(Path(document.source).parent / entry)
    elif is_arch(entry):
        arch = Document(value=entry, source=document.where(path))
    else:
        raise DocumentError("expected the path of an architecture file, or an architecture.")
    name = parse_arch(arch).name if isinstance(entry, str) else None
    value = {"layers": arch.value} if isinstance(arch.value, list) else dict(arch.value)
    value["name"] = value.get("name") or name or f"arch{int(path[-1]) + 1}"
    parse_arch(replace(arch, value=value))
    return replace(arch, value=value)


def _changed(base: Document, data: str | None, settings: Sequence[tuple[JsonPath, Any]]) -> Document:
    """The base experiment as the command line wants it."""
    base = with_data(base, data)[0] if data else base
    for path, _ in settings:
        if path[0] == ARCH:
            raise DocumentError(f'--set {".".join(map(str, path))}: what varies is an axis in "space".')
    return with_settings(base, settings)


def _base(
    document: Document,
    given: Mapping[str, Any],
    archs: Mapping[str, Document],
    change: Callable[[Document], Document],
) -> tuple[Document | None, list[Problem]]:
    """The base experiment with the one architecture inside, and what is wrong with it."""
    entry = given["base"]
    try:
        base = (
            read_document(Path(document.source).parent / entry)
            if isinstance(entry, str)
            else Document(value=entry, source=document.where(("base",)))
        )
        base = change(base)
        if isinstance(base.value, dict) and archs:
            base = with_arch(base, next(iter(archs.values())))
        experiments = parse_experiments(base, _fold_settings(given))
    except DocumentError as error:
        return None, [(("base",), line) for line in str(error).splitlines()]
    settled = with_arch(base, Document(value=experiments[0].arch.document.value, source=base.source))
    settled.value["arch"] = {"name": experiments[0].arch.name, **_layers(settled.value["arch"])}
    settled.value["name"] = experiments[0].name
    return settled, list(_base_problems(experiments, given))


def _layers(arch: Any) -> dict[str, Any]:
    return {"layers": arch} if isinstance(arch, list) else dict(arch)


def _fold_settings(given: Mapping[str, Any]) -> list[tuple[JsonPath, Any]]:
    if not given.get("folds"):
        return []
    return [(("split", "folds"), given["folds"]), (("split", "fold"), 0), (("split", "test"), None)]


def _base_problems(experiments: tuple[Experiment, ...], given: Mapping[str, Any]) -> Iterator[Problem]:
    names = dict.fromkeys(experiment.arch.name for experiment in experiments)
    if len(names) > 1 and ARCH not in given.get("space", {}):
        yield ("base",), f'has {len(names)} architectures ({", ".join(names)}). Make them an axis: "arch" in "space".'
    elif len(experiments) > len(names):
        yield ("base",), f'has {len(experiments)} folds. Remove split.folds there, and give "folds" here.'
    if given.get("space") and experiments[0].split.by != "own" and not experiments[0].split.validation:
        yield ("base",), "has no validation set to choose by. Give it split.validation, such as 0.1."


def _value_problems(sweep: Sweep, known: Set[str | int]) -> Iterator[Problem]:
    """Values of single axes that fit none of the architectures, whatever the other axes are.

    Args:
        sweep: What the document seems to mean.
        known: Axes of which a problem is known.
    """
    for key, axis in sweep.space.items():
        for value, place in zip(axis.ends(), axis.places(), strict=True) if key not in {ARCH, *known} else ():
            refusals = [_refusal(sweep, name, key, value) for name in sweep.archs or [None]]
            if all(refusals):
                yield from ((("space", key, *place), line) for line in str(refusals[0]).splitlines())


def _refusal(sweep: Sweep, arch: str | None, key: str, value: Any) -> str | None:
    """Why the base does not take a value of one axis, with one of the architectures; none if it does."""
    chosen = {} if arch is None else {ARCH: arch}
    try:
        replace(sweep, folds=None, seeds=None).experiments({**chosen, key: value})
    except DocumentError as error:
        return str(error)
    return None
