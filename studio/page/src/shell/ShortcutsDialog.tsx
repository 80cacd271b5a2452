import { createStore, useStore } from "../store";
import { Dialog } from "./Dialog";

const shown = createStore({ isOpen: false });

export function openShortcuts(): void {
  shown.set({ isOpen: true });
}

/** Keys and their effects; CodeMirror defines further ones in the editor. */
export const SHORTCUTS: readonly [string, string][] = [
  ["Ctrl S", "Save the file exactly as typed"],
  ["Ctrl Space", "Complete a key, a value or a layer"],
  ["Ctrl .", "Apply the first fix on this line"],
  ["F8", "Next problem"],
  ["Shift Alt F", "Format the document"],
  ["Ctrl F", "Search the text"],
  ["Ctrl Z, Ctrl Shift Z", "Undo, redo"],
  ["Ctrl ], Ctrl [", "Indent, outdent (Tab leaves the editor)"],
  ["Ctrl 1, 2, 3", "Go to files, text or network"],
  ["F6, Shift F6", "Next pane, previous pane"],
  ["Alt E, Alt C, Alt R", "Go to editor, comparison or runs"],
  ["Alt N", "New file"],
  ["/", "Filter files (when not typing)"],
  ["?", "Show this list (when not typing)"],
];

export function ShortcutsDialog() {
  const isOpen = useStore(shown, (value) => value.isOpen);
  if (!isOpen) return null;
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => shown.set({ isOpen: false })}>
      <p class="note">On a Mac, use Command instead of Ctrl.</p>
      <dl class="shortcuts">
        {SHORTCUTS.map(([keys, effect]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{effect}</dd>
          </div>
        ))}
      </dl>
      <p class="note">
        <a href={licences()} target="_blank" rel="noreferrer">
          Licences of the bundled packages
        </a>
      </p>
    </Dialog>
  );
}

/** LICENSES.txt is next to the script of the page. */
function licences(): string {
  return new URL(/* @vite-ignore */ "LICENSES.txt", import.meta.url).href;
}
