"""All problems of an architecture, and the valid part of its network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from archnet.errors import DocumentError
from archnet.files.documents.problems import RemoveValue
from archnet.files.strict_json import Document, JsonPath, Problem
from archnet.spec.analysis.analysis_options import AnalysisOptions
from archnet.spec.analysis.diagnostics import Severity
from archnet.spec.analysis.measure_network import MeasuredNetwork, measure_network
from archnet.spec.analysis.partial_network import partial_arch
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.speeds.notes import located_speed_notes

Finding = tuple[Severity, Problem]
"""A problem with its severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchAnalysis:
    """The analysis of an architecture.

    Attributes:
        arch: The architecture; null if it is invalid.
        findings: Its problems.
        network: The valid part of its network; null if there is none.
    """

    arch: Arch | None
    findings: tuple[Finding, ...]
    network: MeasuredNetwork | None


def analyze_arch(
    document: Document,
    options: AnalysisOptions,
    ranges: Callable[[JsonPath], TextRange],
    broken: Set[JsonPath] = frozenset(),
) -> ArchAnalysis:
    """Find the problems of an architecture.

    Args:
        document: The document, which may be incomplete.
        options: The circumstances.
        ranges: The range of the object at a path of the document.
        broken: Paths of values that are not valid JSON.
    """
    arch, problems = _parse(document)
    paths = frozenset([*broken, *(problem.path for problem in problems)])
    measured = _measure(document, arch, problems, paths, options, ranges)
    findings: list[Finding] = [("error", problem) for problem in problems]
    if measured is not None:
        findings += _network_findings(*measured)
    return ArchAnalysis(arch=arch, findings=tuple(findings), network=measured[1] if measured else None)


def _parse(document: Document) -> tuple[Arch | None, Sequence[Problem]]:
    try:
        return parse_arch(document), ()
    except DocumentError as error:
        return None, error.problems or [Problem((), str(error))]


def _measure(
    document: Document,
    arch: Arch | None,
    problems: Sequence[Problem],
    paths: Set[JsonPath],
    options: AnalysisOptions,
    ranges: Callable[[JsonPath], TextRange],
) -> tuple[Arch, MeasuredNetwork] | None:
    """Measure an architecture, or else it without its unknown keys, or else its layers before the first problem."""
    if arch is not None and not paths:
        return arch, measure_network(arch, ranges, options)
    repaired = _without_unknown_keys(document, problems) if arch is None else None
    if repaired is not None:
        return repaired, measure_network(repaired, ranges, options)
    if arch is None and () in {problem.path for problem in problems}:
        return None
    partial = partial_arch(document, paths)
    return None if partial is None else (partial, measure_network(partial, ranges, options, paths))


def _without_unknown_keys(document: Document, problems: Sequence[Problem]) -> Arch | None:
    """The architecture without the keys that can be removed; null if it is still invalid."""
    removable = {
        problem.path
        for problem in problems
        for repair in problem.repairs
        for change in repair.changes
        if isinstance(change, RemoveValue) and change.path == problem.path
    }
    if not problems or any(problem.path not in removable for problem in problems):
        return None
    value = _without(document.value, (), removable)
    return _parse(Document(value=value, source=document.source, lines=document.lines))[0]


def _without(value: Any, path: JsonPath, removed: Set[JsonPath]) -> Any:
    if isinstance(value, dict):
        entries = ((key, (*path, key), entry) for key, entry in value.items())
        return {key: _without(entry, inner, removed) for key, inner, entry in entries if inner not in removed}
    if isinstance(value, list):
        return [_without(entry, (*path, index), removed) for index, entry in enumerate(value)]
    return value


def _network_findings(arch: Arch, measured: MeasuredNetwork) -> Iterator[Finding]:
    """Problems of a parsed network: the first layer that does not fit, probable mistakes, and slow layers."""
    if measured.misfit is not None:
        for problem in measured.misfit.problems or [Problem((), str(measured.misfit))]:
            yield "error", problem
    for problem in arch.doubts():
        yield "warning", problem
    for note, index in located_speed_notes((row.layer, row.input_shape) for row in measured.rows):
        path = measured.rows[index].path
        yield "hint", Problem(path[1:] if isinstance(arch.document.value, list) else path, note)
