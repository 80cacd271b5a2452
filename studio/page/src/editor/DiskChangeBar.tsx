import { useState } from "preact/hooks";
import { editing, keepMine, takeFromDisk } from "../editing";
import { useStore } from "../store";
import { DifferenceDialog } from "./DifferenceDialog";

/** Asks what to do when another program has changed a file with unsaved text. */
export function DiskChangeBar() {
  const change = useStore(editing, (value) => value.diskChange);
  const document = useStore(editing, (value) => value.document);
  const [isComparing, setIsComparing] = useState(false);
  if (change === null || document === null) return null;
  const { file } = change;
  return (
    <div class="caution disk-change" role="alert">
      <p>
        {file === null
          ? "This file has been deleted on disk. Your text is kept here."
          : "This file has changed on disk, and you have unsaved changes."}
      </p>
      <div class="buttons">
        {file !== null && (
          <>
            <button type="button" onClick={() => setIsComparing(true)}>
              Compare
            </button>
            <button type="button" onClick={() => takeFromDisk(file)}>
              Discard mine and reload
            </button>
          </>
        )}
        <button type="button" onClick={() => keepMine(file)}>
          Keep mine
        </button>
      </div>
      {isComparing && file !== null && (
        <DifferenceDialog
          left={{ title: "On disk", text: file.text }}
          right={{ title: "Yours (unsaved)", text: document.text }}
          onClose={() => setIsComparing(false)}
        />
      )}
    </div>
  );
}
