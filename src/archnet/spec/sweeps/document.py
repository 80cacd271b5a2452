"""Parse a sweep document: read its files, and report every problem with its location."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.documents.json_text import path_text
from archnet.files.documents.names import name_problem
from archnet.files.documents.problems import Repair, remove_key, rename_to
from archnet.files.strict_json import Document, JsonPath, Problem, slugify
from archnet.spec.arch import parse_arch
from archnet.spec.experiment import Experiment
from archnet.spec.memory import parse_bytes
from archnet.spec.overrides import parse_key
from archnet.spec.resolve import apply_overrides, is_arch, parse_experiments, replace_data, resolve_paths
from archnet.spec.schema import known_path, schema_problems, unknown_key_problem
from archnet.spec.sweeps.search_space import parse_hyperparameter, range_problems
from archnet.spec.sweeps.sweep import ARCH, PLAIN_KEYS, Limits, Resources, Scheduler, Sweep, replace_arch
from archnet.spec.sweeps.sweep_size import arch_object, max_probes, size_problem, trials_problems

_CASE_KEYS: Final = tuple(
    f"data{key}" for key in ("", ".name", ".root", ".negatives_per_positive", ".task", ".readings", ".undecided")
)
"""Keys that determine the cases of a data set."""

_LOSS_KEYS: Final = (
    *(f"training.{name}" for name in ("loss", "focal_gamma", "soft_labels", "case_weights")),
    "data.label_weights",
)
"""Keys that determine the definition of the validation loss."""


_UNSTOPPABLE_MEMBERS: Final = (
    "the members of an ensemble are trained one after the other, so a trial cannot be stopped early by its first "
    "epochs. Remove the scheduler, or training.members."
)

_MAX_LISTED_KEYS: Final = 100
"""Number of hyperparameters that are checked one by one; the schema allows no more."""


def parse_sweep(
    document: Document,
    *,
    trials: int | None = None,
    data: str | None = None,
    overrides: Sequence[tuple[JsonPath, Any]] = (),
) -> Sweep:
    """Parse a sweep document and read the files that it names.

    Args:
        document: A document from `read_document`.
        trials: Replaces the number of trials.
        data: Replaces the data set of the base experiment; see `replace_data`.
        overrides: Values that replace those of the base experiment, except of its architecture.

    Raises:
        DocumentError: The document has problems; the message has a line for each.
    """
    problems = schema_problems(document, "sweep")
    if not problems and (too_many := size_problem(document.value)):
        problems.append(too_many)
    if problems:
        raise document.error([*problems, *_unknown_keys(document.value)])
    options: dict[str, Any] = {**document.value, **({} if trials is None else {"trials": trials})}
    problems += [*_key_problems(options), *_space_problems(options)]
    archs, arch_problems = _read_archs(document, options)
    apply_command_line = functools.partial(_apply_command_line, data=data, overrides=overrides)
    base, base_problems = _resolve_base(document, options, archs, apply_command_line)
    problems += [*arch_problems, *base_problems]
    if base is None:
        raise document.error(problems)
    sweep = _make_sweep(document, options, base, archs)
    if problem := name_problem(sweep.name):
        problems.append(Problem(("name",), problem))
    problems += trials_problems(sweep)
    if sweep.scheduler and ((base.value.get("training") or {}).get("members") or 1) > 1:
        problems.append(Problem(("scheduler",), _UNSTOPPABLE_MEMBERS))
    problems += _value_problems(sweep, {step for path, *_ in problems if path[0] == "space" for step in path[1:2]})
    if problems:
        raise document.error(problems)
    return sweep


def _make_sweep(document: Document, options: Mapping[str, Any], base: Document, archs: Mapping[str, Document]) -> Sweep:
    folder = Path(document.source).parent
    space = {
        key: parse_hyperparameter(list(archs) if key == ARCH else _resolve_values(key, value, folder))
        for key, value in options.get("space", {}).items()
    }
    return Sweep(
        name=options.get("name") or slugify(Path(document.source).stem),
        base=base,
        space=space,
        archs=archs,
        scheduler=Scheduler(**options["scheduler"]) if options.get("scheduler") else None,
        resources=Resources(**options.get("resources", {})),
        limits=Limits(**options.get("limits", {})),
        **{key: options[key] for key in PLAIN_KEYS if key in options},
    )


def _resolve_values(key: str, values: Any, folder: Path) -> Any:
    """The values of a hyperparameter, with paths of files and folders as absolute paths."""
    return [_resolve_value(key.split("."), value, folder) for value in values] if isinstance(values, list) else values


def _resolve_value(keys: Sequence[str], value: Any, folder: Path) -> Any:
    document = resolve_paths(functools.reduce(lambda inner, key: {key: inner}, reversed(keys), value), folder)
    return functools.reduce(operator.getitem, keys, document)


def _key_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield conflicts between keys of the sweep."""
    search, space = options.get("search", "grid"), options.get("space", {})
    if search != "grid" and options.get("trials") is None:
        yield Problem(("search",), f'"{search}" needs the number of trials. Give "trials", such as 20.')
    if search != "grid" and not space:
        yield Problem(("search",), f'"{search}" has nothing to sample: "space" is empty. Fill it, or remove "search".')
    if options.get("scheduler") and (options.get("folds") or options.get("seeds")):
        yield Problem(
            ("scheduler",),
            "trials with several folds or seeds are ranked by their mean, so they cannot be stopped early. "
            "Remove the scheduler, or folds and seeds.",
        )
    if options.get("scheduler") and "training.members" in space:
        yield Problem(("space", "training.members"), _UNSTOPPABLE_MEMBERS)
    yield from _incomparable_problems(options)
    if options.get("seeds") and "training.seed" in space:
        yield Problem(("space", "training.seed"), '"seeds" already varies this key. Remove one of the two.')
    memory = options.get("limits", {}).get("memory")
    try:
        if memory is not None:
            parse_bytes(memory)
    except ValueError as error:
        yield Problem(("limits", "memory"), str(error))


def _incomparable_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield hyperparameters that would evaluate trials on different cases, or by different measures."""
    for key in options.get("space", {}):
        if key in _CASE_KEYS or key.split(".")[0] == "split":
            yield Problem(
                ("space", key),
                "trials on different cases cannot be compared. Make a sweep for each; folds and seeds repeat trials.",
            )
        if key == "data.positive":
            yield Problem(
                ("space", key),
                "the recall, precision and negatives of different positive classes cannot be compared. Make a sweep of "
                "each.",
            )
        if key in _LOSS_KEYS and options.get("metric", "loss") == "loss":
            yield Problem(
                ("space", key),
                'losses of different kinds cannot be compared. Use a different metric, such as "auc".',
            )


def _unknown_keys(value: Any) -> Iterator[Problem]:
    """Yield hyperparameters that are not keys of an experiment, in a document that may have other problems."""
    space = value.get("space") if isinstance(value, dict) else None
    keys = space if isinstance(space, dict) else {}
    for key in islice(keys, _MAX_LISTED_KEYS):
        with suppress(DocumentError):  # reported as a key that is not dotted
            if problem := unknown_key_problem(parse_key(key)):
                yield Problem(("space", key), problem, _repair_hyperparameter(key, keys))


def _rename_archs(space: Mapping[str, Any]) -> tuple[Repair, ...]:
    return () if ARCH in space else (rename_to(("space", "archs"), ARCH),)


def _repair_hyperparameter(key: str, space: Collection[str]) -> tuple[Repair, ...]:
    """Rename an unknown hyperparameter to the one that was probably meant, or remove it."""
    known = known_path(parse_key(key))
    name = path_text(known).removeprefix("$.") if known else key
    renamed = () if name in space else (rename_to(("space", key), name),)
    return (*renamed, remove_key(("space", key)))


def _space_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield hyperparameters that are not keys of an experiment, or whose range is invalid."""
    space = {key: value for key, value in options.get("space", {}).items() if key != "archs"}
    yield from _unknown_keys({"space": space})
    for key, value in options.get("space", {}).items():
        path = ("space", key)
        if key == "archs":
            yield Problem(
                path, 'the hyperparameter for architectures is called "arch".', _rename_archs(options["space"])
            )
        try:
            parse_key(key)
        except DocumentError as error:
            yield Problem(path, str(error))
        if isinstance(value, dict):
            yield from (Problem(path, "architectures are a choice. Give an array of files."),) if key == ARCH else ()
            yield from range_problems(path, value, options.get("search", "grid"))


def _read_archs(document: Document, options: Mapping[str, Any]) -> tuple[dict[str, Document], list[Problem]]:
    """Read the values of "arch", by name; relative paths start at the folder of the sweep document."""
    archs: dict[str, Document] = {}
    problems: list[Problem] = []
    entries = options.get("space", {}).get(ARCH, [])
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        path = ("space", ARCH, index)
        try:
            arch = _read_arch(document, entry, path)
        except DocumentError as error:
            problems += [Problem(path, line) for line in str(error).split("\n")]
            continue
        name = arch.value["name"]
        if name in archs:
            problems.append(Problem(path, f'there is another architecture named "{name}". Give each its own "name".'))
        archs[name] = arch
    return archs, problems


def _read_arch(document: Document, entry: Any, path: JsonPath) -> Document:
    """Read one architecture, and name it in its value.

    Raises:
        DocumentError: The architecture cannot be read or is invalid.
    """
    if isinstance(entry, str):
        arch = document.read(entry)
    elif is_arch(entry):
        arch = Document(value=entry, source=document.location(path))
    else:
        raise DocumentError("expected the path of an architecture file, or an architecture.")
    name = parse_arch(arch).name if isinstance(entry, str) else None
    value = {"layers": arch.value} if isinstance(arch.value, list) else dict(arch.value)
    value["name"] = value.get("name") or name or f"arch{int(path[-1]) + 1}"
    parse_arch(replace(arch, value=value))
    return replace(arch, value=value)


def _apply_command_line(base: Document, data: str | None, overrides: Sequence[tuple[JsonPath, Any]]) -> Document:
    """Apply the options of the command line to the base experiment."""
    base = replace_data(base, data)[0] if data else base
    for path, _ in overrides:
        if path[0] == ARCH:
            raise DocumentError(f'--set {".".join(map(str, path))}: a sweep sets the architecture in "space" only.')
    return apply_overrides(base, overrides)


def _resolve_base(
    document: Document,
    options: Mapping[str, Any],
    archs: Mapping[str, Document],
    apply_command_line: Callable[[Document], Document],
) -> tuple[Document | None, list[Problem]]:
    """The base experiment with its one architecture inside, and its problems."""
    entry = options["base"]
    try:
        base = (
            document.read(entry)
            if isinstance(entry, str)
            else Document(value=entry, source=document.location(("base",)), read_text=document.read_text)
        )
        base = apply_command_line(base)
        base = replace(base, value=resolve_paths(base.value, Path(base.source).parent))
        if isinstance(base.value, dict) and archs:
            base = replace_arch(base, next(iter(archs.values())))
        experiments = parse_experiments(base, _fold_overrides(options))
    except DocumentError as error:
        return None, [Problem(("base",), line) for line in str(error).split("\n")]
    first, *_ = experiments
    base_with_arch = replace_arch(base, Document(value=first.arch.document.value, source=base.source))
    base_with_arch.value["arch"] = {"name": first.arch.name, **arch_object(base_with_arch.value["arch"])}
    base_with_arch.value["name"] = first.name
    return base_with_arch, list(_base_problems(experiments, options))


def _fold_overrides(options: Mapping[str, Any]) -> list[tuple[JsonPath, Any]]:
    if not options.get("folds"):
        return []
    return [(("split", "folds"), options["folds"]), (("split", "fold"), 0), (("split", "test"), None)]


def _base_problems(experiments: tuple[Experiment, ...], options: Mapping[str, Any]) -> Iterator[Problem]:
    names = dict.fromkeys(experiment.arch.name for experiment in experiments)
    if len(names) > 1 and ARCH not in options.get("space", {}):
        yield Problem(
            ("base",),
            f'has {len(names)} architectures ({", ".join(names)}). Make them a hyperparameter: "arch" in "space".',
        )
    elif len(experiments) > len(names):
        yield Problem(("base",), f'has {len(experiments)} folds. Remove split.folds there, and give "folds" here.')
    first, *_ = experiments
    if options.get("space") and first.split.by != "own" and not first.split.validation:
        yield Problem(("base",), "has no validation set to rank trials by. Set its split.validation, such as 0.1.")


def _value_problems(sweep: Sweep, invalid_keys: Set[str | int]) -> Iterator[Problem]:
    """Values of single hyperparameters that no architecture accepts, whatever the other hyperparameters are.

    Args:
        sweep: The sweep as parsed so far.
        invalid_keys: Hyperparameters with a known problem.
    """
    for key in sweep.space:
        if key != ARCH and key not in invalid_keys:
            yield from _rejected_values(sweep, key)


def _rejected_values(sweep: Sweep, key: str) -> Iterator[Problem]:
    """Problems of the values of a hyperparameter; one that several values have is reported once, at the key."""
    problems = list(_value_rejections(sweep, key))
    counts = Counter(problem.message for problem in problems)
    for problem in problems:
        yield problem if counts[problem.message] == 1 else problem._replace(path=("space", key))


def _value_rejections(sweep: Sweep, key: str) -> Iterator[Problem]:
    hyperparameter = sweep.space[key]
    probes = list(zip(hyperparameter.probe_values(), hyperparameter.probe_paths(), strict=True))
    names: Sequence[str | None] = list(sweep.archs) or [None]
    first, *others = names
    for value, path in probes[:: ceil(len(probes) / max_probes(sweep))]:
        rejection = _rejection(sweep, first, key, value)
        if rejection and all(_rejection(sweep, name, key, value) for name in others):
            yield from (Problem(("space", key, *path), line) for line in rejection.split("\n"))


def _rejection(sweep: Sweep, arch: str | None, key: str, value: Any) -> str | None:
    """The reason why the base experiment rejects a value with an architecture; None if it accepts it."""
    arch_value = {} if arch is None else {ARCH: arch}
    try:
        replace(sweep, folds=None, seeds=None).experiments({**arch_value, key: value})
    except DocumentError as error:
        return str(error)
    return None
