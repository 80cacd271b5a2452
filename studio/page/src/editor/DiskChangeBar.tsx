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
          ? "The file has been removed from the disk. Your text is kept here."
          : "Another program has changed this file. Your text is not saved."}
      </p>
      <div class="buttons">
        {file !== null && (
          <>
            <button type="button" onClick={() => setIsComparing(true)}>
              Compare
            </button>
            <button type="button" onClick={() => takeFromDisk(file)}>
              Reload, discard mine
            </button>
          </>
        )}
        <button type="button" onClick={() => keepMine(file)}>
          Keep mine
        </button>
      </div>
      {isComparing && file !== null && (
        <DifferenceDialog
          left={{ title: "On the disk", text: file.text }}
          right={{ title: "Yours, unsaved", text: document.text }}
          onClose={() => setIsComparing(false)}
        />
      )}
    </div>
  );
}
