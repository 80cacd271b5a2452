"""From problems of documents to diagnostics of texts: ranges, and fixes as edits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.json_tree import JsonNode, line_starts
from archnet.files.documents.problems import RemoveValue, RenameKey
from archnet.files.documents.syntax_problem import SyntaxProblem
from archnet.files.strict_json import Document, Problem
from archnet.spec.analysis.diagnostics import Diagnostic, Severity
from archnet.spec.analysis.document_edits import fix_text
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange, apply_edits

MAX_TRIED_CHARACTERS: Final = 40_000
"""Maximum number of characters that are parsed to try the fixes of syntax errors."""


def syntax_diagnostics(problems: Sequence[SyntaxProblem], text: str, source: str) -> Iterator[Diagnostic]:
    """The diagnostics of syntax errors; only fixes that reduce the number of errors are offered.

    In a long text with many errors, only the first ones have fixes: each fix is tried.
    """
    num_trials = max(MAX_TRIED_CHARACTERS // (len(text) + 1), 1)
    for number, problem in enumerate(problems):
        edits = tuple(TextEdit(TextRange(start, end), new_text) for start, end, new_text in problem.edits)
        if number >= num_trials or (edits and not _is_cure(edits, text, len(problems))):
            edits = ()
        yield Diagnostic(
            range=visible_range(problem.start, problem.end, text),
            severity="error",
            message=problem.message,
            path=problem.path,
            location=problem.location(source, text),
            is_syntax=True,
            fixes=(Fix(title=problem.title, edits=edits),) if edits else (),
        )


def _is_cure(edits: tuple[TextEdit, ...], text: str, num_problems: int) -> bool:
    """Whether a text with edits has fewer syntax errors."""
    return len(parse_tolerantly(apply_edits(text, edits))[1]) < num_problems


def locate_problem(
    severity: Severity, problem: Problem, document: Document, root: JsonNode, text: str
) -> Diagnostic | None:
    """The diagnostic of a problem; null if a syntax error of the same value explains it.

    Args:
        severity: Severity of the problem.
        problem: The problem.
        document: The document.
        root: The tree of the text.
        text: The text.
    """
    node = root.find(problem.path)
    if node is not None and node.is_broken:
        return None
    fixes = (fix_text(repair, root, text) for repair in problem.repairs)
    return Diagnostic(
        range=_problem_range(problem, root, text),
        severity=severity,
        message=problem.message,
        path=problem.path,
        location="" if problem.is_located else document.location(problem.path),
        fixes=tuple(fix for fix in fixes if fix is not None),
    )


def _problem_range(problem: Problem, root: JsonNode, text: str) -> TextRange:
    node = root
    for step in problem.path:
        child = node.child(step)
        if child is None:
            break
        node = child
    changes = [change for repair in problem.repairs[:1] for change in repair.changes]
    renamed = next((root.find(change.path) for change in changes if isinstance(change, RenameKey)), None)
    node = renamed or node
    if (renamed or _is_removed(problem)) and node.has_key:
        return TextRange(node.key_start, node.key_end)
    return visible_range(*_value_range(node, text), text)


def _is_removed(problem: Problem) -> bool:
    """Whether the first repair removes the value with its key, which are then at fault, not the value alone."""
    changes = [change for repair in problem.repairs[:1] for change in repair.changes]
    return any(isinstance(change, RemoveValue) and change.path == problem.path for change in changes)


def _value_range(node: JsonNode, text: str) -> tuple[int, int]:
    """The part of a value that stands for it: a short value, its key, or its type and bracket."""
    is_short = not isinstance(node.members, dict) and not _has_objects(node) and "\n" not in text[node.start : node.end]
    if node.members is None or is_short:
        return node.start, node.end
    if node.has_key:
        return node.key_start, node.key_end
    kind = node.child("type")
    if kind is not None and "\n" not in text[node.start : kind.end]:
        return node.start, kind.end
    if kind is not None:
        return kind.key_start, kind.end
    return node.start, node.start + 1


def _has_objects(node: JsonNode) -> bool:
    return any(child.members is not None for _, child in node.children())


def visible_range(start: int, end: int, text: str) -> TextRange:
    """A range inside a text that is not empty unless the text is."""
    start, end = min(start, len(text)), min(end, len(text))
    if start < end:
        return TextRange(start, end)
    return TextRange(start, start + 1) if start < len(text) else TextRange(max(len(text) - 1, 0), len(text))


def sort_diagnostics(diagnostics: Sequence[Diagnostic], text: str) -> tuple[Diagnostic, ...]:
    """Sort by line, and within a line in the given order; drop repetitions."""
    starts = line_starts(text)
    unique: dict[tuple[TextRange, Severity, str], Diagnostic] = {}
    for each in diagnostics:
        unique.setdefault((each.range, each.severity, each.message), each)
    return tuple(sorted(unique.values(), key=lambda each: bisect_right(starts, each.range.start)))
