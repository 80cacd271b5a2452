import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import type { TextEdit } from "../api/types";
import { type OpenDocument, editing } from "../editing";
import { extensions } from "./editor";
import { setHints } from "./hints";
import { applyFix, problemAtCursor, showProblems } from "./problems";
import { styleNonce } from "./style_nonce";

/** The one editor of the page. */
let view: EditorView | null = null;

/** States of the files that were opened before, with their undo history. */
const states = new Map<string, EditorState>();

/** Puts the editor into an element and keeps it in step with the open file; returns how to end this. */
export function mountEditor(parent: HTMLElement): () => void {
  const editor = new EditorView({ parent, extensions: styleNonce });
  view = editor;
  let shown: OpenDocument | null = null;
  const update = () => {
    const { document } = editing.get();
    if (document !== null && document !== shown) showDocument(editor, document, shown);
    shown = document;
  };
  update();
  const stop = [editing.subscribe(update), keepMarks(editor)];
  return () => {
    for (const end of stop) end();
    editor.destroy();
    view = null;
  };
}

function showDocument(editor: EditorView, document: OpenDocument, before: OpenDocument | null): void {
  if (document.path !== before?.path) {
    if (before !== null) states.set(before.path, editor.state);
    editor.setState(stateOf(document));
  } else if (document.revision !== before.revision && document.text !== editor.state.doc.toString()) {
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: document.text } });
  }
}

function stateOf(document: OpenDocument): EditorState {
  const before = states.get(document.path);
  if (before?.doc.toString() === document.text) return before;
  return EditorState.create({
    doc: document.text,
    extensions: [
      // Without this, the editor would drop the "\r" of a file that mixes its line breaks.
      document.text.includes("\r") ? EditorState.lineSeparator.of("\n") : [],
      extensions(document.path, document.isReadOnly),
    ],
  });
}

/** Shows problems and hints of each new analysis. */
function keepMarks(editor: EditorView): () => void {
  let shown: unknown = null;
  return editing.subscribe(() => {
    const { analysis, document } = editing.get();
    if (analysis === null || analysis === shown || document?.text !== editor.state.doc.toString()) return;
    shown = analysis;
    editor.dispatch(showProblems(editor.state, analysis.diagnostics));
    editor.dispatch({ effects: setHints.of(analysis.network?.layers ?? []) });
  });
}

export function focusEditor(): void {
  view?.focus();
}

/** Moves the cursor to an offset, in the middle of the editor. */
export function goTo(offset: number): void {
  if (view === null) return;
  const anchor = Math.min(offset, view.state.doc.length);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
}

/** Changes the text, as one step that can be undone. */
export function changeDocument(edits: readonly TextEdit[]): void {
  view?.dispatch({ changes: edits.map(({ start, end, new_text }) => ({ from: start, to: end, insert: new_text })) });
}


/** Applies the most likely fix of the first problem on the line of the cursor; false if there is none. */
export function fixAtCursor(): boolean {
  if (view === null) return false;
  const fix = problemAtCursor(view.state, editing.get().analysis?.diagnostics ?? [])?.fixes[0];
  if (fix === undefined) return false;
  applyFix(view, fix);
  return true;
}

/** Applies a fix of the latest analysis. */
export function takeFix(fix: { title: string; edits: TextEdit[] }): void {
  if (view !== null) applyFix(view, fix);
}
