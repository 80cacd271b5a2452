import { json } from "@codemirror/lang-json";
import { MergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "../shell/Dialog";
import { styleNonce } from "./style_nonce";
import { theme } from "./theme";

interface Side {
  title: string;
  text: string;
}

/** Two texts next to each other, with their differences marked. */
export function DifferenceDialog({ left, right, onClose }: { left: Side; right: Side; onClose: () => void }) {
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (parent.current === null) return undefined;
    const merge = new MergeView({
      a: { doc: left.text, extensions: readOnly(left.title) },
      b: { doc: right.text, extensions: readOnly(right.title) },
      parent: parent.current,
      collapseUnchanged: { margin: 3 },
    });
    return () => merge.destroy();
  }, [left.text, right.text]);
  return (
    <Dialog title="Differences" onClose={onClose} isWide>
      <div class="sides">
        <strong>{left.title}</strong>
        <strong>{right.title}</strong>
      </div>
      <div class="merge" ref={parent} />
    </Dialog>
  );
}

function readOnly(title: string): Extension {
  return [
    lineNumbers(),
    json(),
    theme,
    styleNonce,
    EditorState.readOnly.of(true),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": title, tabindex: "0" }),
  ];
}
