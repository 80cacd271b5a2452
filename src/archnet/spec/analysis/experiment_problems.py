"""All problems of an experiment or a sweep, including those of the architectures that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archnet.errors import DocumentError
from archnet.files.documents.json_text import normalize_integers
from archnet.files.strict_json import Document, JsonPath, Problem
from archnet.spec.analysis.arch_problems import Finding
from archnet.spec.arch import parse_arch
from archnet.spec.experiment import Experiment
from archnet.spec.resolve import parse_experiments
from archnet.spec.schema import schema_problems
from archnet.spec.section_options import data_problems, split_problems, training_problems
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.view.network_view import describe_other_size

_SECTION_CHECKS: dict[str, Callable[[Mapping[str, Any]], list[Problem]]] = {
    "data": data_problems,
    "split": split_problems,
    "training": training_problems,
}


def experiment_findings(document: Document) -> Iterator[Finding]:
    """Yield the problems of an experiment; for a valid one, its warnings."""
    try:
        experiments = parse_experiments(document)
    except DocumentError as error:
        problems = [*_all_problems(document), *_own_problems(error, document, ("archs",))]
        named = {problem.path for problem in problems if len(problem.path) > 1}
        for problem in problems:
            if problem.path != ("archs",) or not any(path[0] == "archs" for path in named):
                yield "error", problem
        return
    for problem in dict.fromkeys(each for experiment in experiments for each in _doubts(experiment, document)):
        yield "warning", problem


def _own_problems(error: DocumentError, document: Document, elsewhere: JsonPath) -> Sequence[Problem]:
    """The problems of an error, at their own paths if they are in the document, or else at another path."""
    if error.source == document.source and error.problems:
        return error.problems
    return [Problem(elsewhere, str(error), is_located=True)]


def _all_problems(document: Document) -> Iterator[Problem]:
    """Yield the problems of all parts of an experiment that can be checked without the others."""
    document = replace(document, value=normalize_integers(document.value))
    problems = schema_problems(document, "experiment")
    yield from problems
    if not isinstance(document.value, dict):
        return
    invalid = {problem.path[0] for problem in problems if problem.path}
    for section, check in _SECTION_CHECKS.items():
        if section not in invalid:
            yield from check(document.value.get(section) or {})
    if not {"archs", "arch"} & invalid:
        yield from _arch_problems(document)


def _arch_problems(document: Document) -> Iterator[Problem]:
    archs = document.value.get("archs")
    entries = [(("archs", index), entry) for index, entry in enumerate(archs if isinstance(archs, list) else [])]
    if "arch" in document.value:
        entries.append((("arch",), document.value["arch"]))  # type: ignore[arg-type]
    for path, entry in entries:
        yield from arch_entry_problems(document, path, entry)


def arch_entry_problems(document: Document, path: JsonPath, entry: Any) -> Iterator[Problem]:
    """Yield the problems of an architecture, by file or inline, at a path of a document."""
    try:
        if isinstance(entry, str):
            parse_arch(document.read(entry))
        else:
            value = {"name": "arch", **entry} if isinstance(entry, dict) else entry
            parse_arch(Document(value=value, source=document.source))
    except DocumentError as error:
        if isinstance(entry, str) or not error.problems:
            yield Problem(path, str(error), is_located=True)
        else:
            yield from (problem.below(path) for problem in error.problems)


def _doubts(experiment: Experiment, document: Document) -> Iterator[Problem]:
    archs = document.value.get("archs", [])
    path: JsonPath = ("archs",) if archs else ("arch",)
    for index, entry in enumerate(archs):
        if isinstance(entry, str) and experiment.arch.document.source.endswith(entry.lstrip("./")):
            path = ("archs", index)
    for text in experiment.arch.warnings():
        yield Problem(path, text, is_located=True)
    yield from (problem._replace(is_located=True) for problem in experiment.doubts())
    if texts := describe_other_size(experiment):
        yield Problem(path, " ".join(texts), is_located=True)


def sweep_findings(document: Document) -> Iterator[Finding]:
    """Yield the problems of a sweep."""
    try:
        parse_sweep(document)
    except DocumentError as error:
        inner = list(_inline_base_problems(document))
        for problem in [*_own_problems(error, document, ("base",)), *inner]:
            if problem.path != ("base",) or not inner:
                yield "error", problem


def _inline_base_problems(document: Document) -> Iterator[Problem]:
    """Yield the problems of a base experiment inside the sweep; architectures that the sweep replaces have none."""
    base = document.value.get("base") if isinstance(document.value, dict) else None
    if not isinstance(base, dict):
        return
    space = document.value.get("space")
    if isinstance(space, dict) and "arch" in space:
        base = {**{key: value for key, value in base.items() if key not in ("arch", "archs")}, "archs": ["archsm"]}
    inner = Document(value=base, source=document.source, read_text=document.read_text)
    yield from (problem.below(("base",)) for problem in _all_problems(inner))
