import { type Action, setDiagnostics } from "@codemirror/lint";
import type { EditorState, TransactionSpec } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type { Diagnostic, Fix } from "../api/types";

/** Underlines the problems of a text; each offers its fixes where it is read. */
export function showProblems(state: EditorState, diagnostics: readonly Diagnostic[]): TransactionSpec {
  const end = state.doc.length;
  return setDiagnostics(
    state,
    diagnostics.map((diagnostic) => ({
      from: Math.min(diagnostic.start, end),
      to: Math.min(diagnostic.end, end),
      severity: diagnostic.severity,
      message: diagnostic.message,
      actions: diagnostic.fixes.map(fixAction),
    })),
  );
}

function fixAction(fix: Fix): Action {
  return { name: fix.title, apply: (view) => applyFix(view, fix) };
}

/** Applies a fix of the text that is in the editor. */
export function applyFix(view: EditorView, fix: Fix): void {
  const changes = fix.edits.map(({ start, end, new_text }) => ({ from: start, to: end, insert: new_text }));
  view.dispatch({ changes, scrollIntoView: true, userEvent: "input.fix" });
  view.focus();
}

/** The first problem with a fix on the line of the cursor. */
export function problemAtCursor(state: EditorState, diagnostics: readonly Diagnostic[]): Diagnostic | undefined {
  const line = state.doc.lineAt(state.selection.main.head);
  return diagnostics.find(({ start, end, fixes }) => fixes.length > 0 && start <= line.to && end >= line.from);
}

