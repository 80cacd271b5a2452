import { format } from "../api/endpoints";
import { editing, isUnsaved, save } from "../editing";
import { openSaveAs } from "../files/NewFileDialog";
import { announce, report } from "../shell/notices";
import { useStore } from "../store";
import { changeDocument, focusEditor } from "./view";

/** Name and state of the open file, and what can be done with it. */
export function EditorBar() {
  const document = useStore(editing, (value) => value.document);
  if (document === null) return null;
  return (
    <div class="bar-of-pane">
      <h2 class="file-name">
        {document.path}
        {isUnsaved(document) && <span class="unsaved"> · unsaved</span>}
        {document.isReadOnly && <span class="unsaved"> · read-only</span>}
      </h2>
      <div class="buttons">
        <button type="button" disabled={document.isReadOnly} onClick={formatDocument} aria-keyshortcuts="Shift+Alt+F">
          Format
        </button>
        <button type="button" onClick={() => openSaveAs(document)}>
          Save as…
        </button>
        <button
          type="button"
          class="primary"
          disabled={document.isReadOnly || !isUnsaved(document)}
          onClick={() => save().catch(report)}
          aria-keyshortcuts="Control+S"
        >
          Save
        </button>
      </div>
    </div>
  );
}

/** Gives the text the house style; the file changes only when it is saved. */
export async function formatDocument(): Promise<void> {
  const { document } = editing.get();
  if (document === null || document.isReadOnly) return;
  try {
    const { edits } = await format({ path: document.path, text: document.text });
    if (editing.get().document?.text !== document.text) return;
    if (edits.length === 0) announce("The text is already formatted.");
    else changeDocument(edits);
    focusEditor();
  } catch (error) {
    report(error);
  }
}
