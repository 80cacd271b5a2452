import { folderName } from "../session";

/** Unsaved text, kept in the browser until it is saved: it outlives a crash, a reload and the end of the server. */
export interface Draft {
  text: string;
  /** Digest of the file that was edited; null for a file that does not exist yet. */
  digest: string | null;
}

export function readDraft(path: string): Draft | null {
  const stored = localStorage.getItem(key(path));
  if (stored === null) return null;
  try {
    const { text, digest } = JSON.parse(stored) as Partial<Draft>;
    return typeof text === "string" ? { text, digest: digest ?? null } : null;
  } catch {
    return null;
  }
}

/** Keeps a draft; false if the browser has no room for it. */
export function keepDraft(path: string, draft: Draft): boolean {
  try {
    localStorage.setItem(key(path), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(path: string): void {
  localStorage.removeItem(key(path));
}

/** Paths of all files of the folder with a draft. */
export function draftPaths(): string[] {
  const prefix = key("");
  return Object.keys(localStorage)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .sort();
}

/** Drafts of two folders that are edited in one browser are kept apart. */
function key(path: string): string {
  return `archnet.draft:${folderName()}:${path}`;
}
