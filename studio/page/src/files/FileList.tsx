import { useMemo, useState } from "preact/hooks";
import type { FileEntry } from "../api/types";
import { editing } from "../editing";
import { showFile } from "../shell/navigation";
import { useStore } from "../store";
import { draftPaths } from "./drafts";
import { entriesWithDrafts, folder } from "./folder";
import { openNewFile } from "./NewFileDialog";

interface Group {
  title: string;
  holds: (entry: FileEntry) => boolean;
}

const GROUPS: readonly Group[] = [
  { title: "Architectures", holds: (entry) => !entry.is_shipped && entry.kind === "arch" },
  { title: "Experiments", holds: (entry) => !entry.is_shipped && entry.kind === "experiment" },
  { title: "Sweeps", holds: (entry) => !entry.is_shipped && entry.kind === "sweep" },
  { title: "Unsaved or unrecognized", holds: (entry) => !entry.is_shipped && entry.kind === "other" },
  { title: "Shipped architectures", holds: (entry) => entry.is_shipped && entry.kind === "arch" },
  { title: "Shipped experiments", holds: (entry) => entry.is_shipped && entry.kind === "experiment" },
  { title: "Shipped sweeps", holds: (entry) => entry.is_shipped && entry.kind === "sweep" },
];

/** The files of the folder by kind, and those that archnet ships. */
export function FileList() {
  const entries = useStore(folder, (value) => value.entries);
  const isComplete = useStore(folder, (value) => value.isComplete);
  const document = useStore(editing, (value) => value.document);
  const [filter, setFilter] = useState("");
  const unsaved = useMemo(() => new Set(draftPaths()), [entries, document]);
  const shown = entriesWithDrafts(entries).filter(({ path }) => path.toLowerCase().includes(filter.toLowerCase()));
  return (
    <nav class="files" aria-label="Files">
      <div class="files-head">
        <input
          type="search"
          id="file-filter"
          placeholder="Filter files"
          aria-label="Filter files"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        <button type="button" onClick={openNewFile}>
          New…
        </button>
      </div>
      {GROUPS.map(({ title, holds }) => (
        <FileGroup
          key={title}
          title={title}
          entries={shown.filter(holds)}
          open={document?.path ?? null}
          unsaved={unsaved}
        />
      ))}
      {shown.length === 0 && <p class="empty">No matching files.</p>}
      {!isComplete && <p class="note">The folder contains more files than are listed here.</p>}
    </nav>
  );
}

interface FileGroupProps {
  title: string;
  entries: readonly FileEntry[];
  open: string | null;
  unsaved: ReadonlySet<string>;
}

function FileGroup({ title, entries, open, unsaved }: FileGroupProps) {
  if (entries.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {entries.map(({ path }) => (
          <li key={path}>
            <button
              type="button"
              class="file"
              aria-current={path === open ? "true" : undefined}
              onClick={() => showFile(path)}
            >
              <FilePath path={path} />
              {unsaved.has(path) && <span class="mark"> • unsaved</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The name of a file, with its folder in a quieter colour. */
function FilePath({ path }: { path: string }) {
  const name = path.replace(/^shipped:/, "");
  const end = name.lastIndexOf("/") + 1;
  return (
    <>
      <span class="faint">{name.slice(0, end)}</span>
      {name.slice(end).replace(/\.json$/, "")}
    </>
  );
}
