import { listFolder } from "../api/endpoints";
import type { FileEntry } from "../api/types";
import { editing, noticeDisk } from "../editing";
import { report } from "../shell/notices";
import { createStore } from "../store";
import { draftPaths } from "./drafts";

/** The files of the folder as of the last look. */
export const folder = createStore<{ entries: FileEntry[]; isComplete: boolean }>({ entries: [], isComplete: true });

const POLL_MS = 2000;

/** Looks at the folder now and then while the page is visible; notices files that other programs change. */
export function watchFolder(): void {
  const look = () => (document.visibilityState === "visible" ? refreshFolder().catch(report) : Promise.resolve());
  window.setInterval(look, POLL_MS);
  document.addEventListener("visibilitychange", look);
}

export async function refreshFolder(): Promise<void> {
  const before = editing.get().document;
  const { documents, is_complete } = await listFolder();
  folder.set({ entries: documents, isComplete: is_complete });
  const { document } = editing.get();
  if (document === null || document !== before || document.isReadOnly || document.digest === null) return;
  await noticeDisk(document.path, documents.find(({ path }) => path === document.path)?.digest ?? null);
}

/** The files and the drafts of files that do not exist yet. */
export function entriesWithDrafts(entries: readonly FileEntry[]): FileEntry[] {
  const known = new Set(entries.map(({ path }) => path));
  const drafts = draftPaths().filter((path) => !known.has(path));
  const added = drafts.map((path) => ({ path, kind: "other" as const, digest: "", is_shipped: false, is_read_only: false }));
  return [...entries, ...added];
}
