import { useEffect, useRef } from "preact/hooks";
import { editing } from "../editing";
import { useStore } from "../store";
import { DiskChangeBar } from "./DiskChangeBar";
import { EditorBar } from "./EditorBar";
import { ProblemList } from "./ProblemList";
import { mountEditor } from "./view";

/** The text of the open file, with its problems below. */
export function EditorPane() {
  const isOpen = useStore(editing, ({ document }) => document !== null);
  return isOpen ? <OpenEditor /> : <p class="empty">Choose a file to edit.</p>;
}

function OpenEditor() {
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => (parent.current === null ? undefined : mountEditor(parent.current)), []);
  return (
    <>
      <EditorBar />
      <DiskChangeBar />
      <div class="editor" ref={parent} />
      <ProblemList />
    </>
  );
}
