"""Problems of a document, and the actions that fix them, in the terms of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from lsprotocol import types

from archnet.errors import pluralize
from archnet.lsp.open_documents import AnalyzedDocument
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange

SOURCE: Final = "archnet"
"""The name that editors show next to a problem."""

QUICK_FIX: Final = types.CodeActionKind.QuickFix.value

FIX_ALL: Final = f"{types.CodeActionKind.SourceFixAll.value}.{SOURCE}"
"""The kind of the action that fixes all problems; editors can run it when a file is saved."""

_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "hint": types.DiagnosticSeverity.Information,
}


def protocol_diagnostics(document: AnalyzedDocument) -> list[types.Diagnostic]:
    """All problems of a document."""
    return [_protocol_diagnostic(document, problem) for problem in document.analysis.diagnostics]


def _protocol_diagnostic(document: AnalyzedDocument, problem: Diagnostic) -> types.Diagnostic:
    return types.Diagnostic(
        range=document.positions.range(problem.range),
        severity=_SEVERITIES[problem.severity],
        source=SOURCE,
        message=problem.message,
    )


def code_actions(
    document: AnalyzedDocument, editor_range: types.Range, kinds: Sequence[str] | None, *, with_version: bool
) -> list[types.CodeAction]:
    """The fixes of the problems in a range, and an action for the likely fixes of all problems.

    Args:
        document: The document.
        editor_range: The range for which the editor asks, such as the cursor.
        kinds: The kinds of actions that the editor wants, with their subkinds; null for all.
        with_version: Whether the editor accepts edits of a specific version of the document.
    """
    wanted = document.positions.text_range(editor_range)
    edit = partial(workspace_edit, document, with_version=with_version)
    actions = []
    if _includes(kinds, QUICK_FIX):
        actions += [
            types.CodeAction(
                title=fix.title,
                kind=QUICK_FIX,
                diagnostics=[_protocol_diagnostic(document, problem)],
                is_preferred=fix == problem.fixes[0],
                edit=edit(fix.edits),
            )
            for problem in document.analysis.diagnostics
            if _touch(problem.range, wanted)
            for fix in problem.fixes
        ]
    fixes = safe_fixes(document.analysis.diagnostics, document.text)
    if kinds is not None and _includes(kinds, FIX_ALL) and fixes:
        actions.append(_fix_all(fixes, FIX_ALL, edit))
    elif actions and len(fixes) > 1:
        actions.append(_fix_all(fixes, QUICK_FIX, edit))
    return actions


def _includes(kinds: Sequence[str] | None, kind: str) -> bool:
    """Whether a kind, or one above it in the hierarchy, is among those that the editor wants."""
    return kinds is None or any(f"{kind}.".startswith(f"{wanted}.") for wanted in kinds)


def _touch(one: TextRange, other: TextRange) -> bool:
    return one.start <= other.end and other.start <= one.end


def _fix_all(
    fixes: Sequence[Fix], kind: str, edit: Callable[[Sequence[TextEdit]], types.WorkspaceEdit]
) -> types.CodeAction:
    edits = sorted((edit for fix in fixes for edit in fix.edits), key=lambda edit: edit.range)
    return types.CodeAction(title=f"Fix {pluralize(len(fixes), 'problem')} in this file", kind=kind, edit=edit(edits))


def safe_fixes(problems: Sequence[Diagnostic], text: str) -> list[Fix]:
    """The most likely fix of each problem, without those that delete content or overlap with an earlier one."""
    fixes: list[Fix] = []
    edited: list[TextRange] = []
    for problem in problems:
        fix = problem.fixes[0] if problem.fixes else None
        if fix is None or fix in fixes or _deletes_content(fix, text):
            continue
        ranges = [edit.range for edit in fix.edits]
        if not any(_touch(one, other) for one in ranges for other in edited):
            fixes.append(fix)
            edited += ranges
    return fixes


def _deletes_content(fix: Fix, text: str) -> bool:
    """Whether a fix only deletes, and more than commas and spaces."""
    deleted = "".join(text[edit.range.start : edit.range.end] for edit in fix.edits)
    return not any(edit.new_text for edit in fix.edits) and deleted.strip(", \t\r\n") != ""


def workspace_edit(document: AnalyzedDocument, edits: Sequence[TextEdit], *, with_version: bool) -> types.WorkspaceEdit:
    """The edits of a document, for its current version only if the editor accepts versions."""
    changes = protocol_edits(document, edits)
    if not with_version:
        return types.WorkspaceEdit(changes={document.uri: changes})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    change = types.TextDocumentEdit(text_document=identifier, edits=[*changes])
    return types.WorkspaceEdit(document_changes=[change])


def protocol_edits(document: AnalyzedDocument, edits: Sequence[TextEdit]) -> list[types.TextEdit]:
    """Edits in the positions of the editor."""
    return [types.TextEdit(range=document.positions.range(edit.range), new_text=edit.new_text) for edit in edits]
