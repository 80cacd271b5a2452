import { discardDraft, listDrafts, readDraft as readFromServer, sendDraft } from "../api/endpoints";
import { folderName } from "../folder_name";
import { announce, report } from "../shell/notices";

/** Unsaved text. Two copies are kept until it is saved: one in the browser, which is written at once but lost if the
 * server restarts on another port, and one on the server, which is sent after a pause in typing.
 */
export interface Draft {
  text: string;
  /** Digest of the file that was edited; null for a file that does not exist yet. */
  digest: string | null;
}

interface Kept extends Draft {
  /** Milliseconds since 1970. */
  time: number;
}

const QUIET_MS = 500;

const drafts = new Map<string, Kept>();

/** Paths of the drafts that were typed in this tab. */
const typed = new Set<string>();
const timers = new Map<string, number>();

/** Reads all drafts of the folder, the newer one where both places have one. */
export async function loadDrafts(): Promise<void> {
  for (const [path, draft] of storedDrafts()) drafts.set(path, draft);
  const { drafts: heads } = await listDrafts();
  await Promise.all(heads.map(({ path, saved }) => takeFromServer(path, Date.parse(saved))));
}

async function takeFromServer(path: string, time: number): Promise<void> {
  // The server's clock shows whole seconds.
  if ((drafts.get(path)?.time ?? 0) >= time) return;
  const { draft } = await readFromServer(path);
  if (draft !== null) drafts.set(path, { text: draft.text, digest: draft.base_digest, time });
}

export function readDraft(path: string): Draft | null {
  const draft = drafts.get(path);
  return draft === undefined ? null : { text: draft.text, digest: draft.digest };
}

export function keepDraft(path: string, { text, digest }: Draft): void {
  const kept = { text, digest, time: Date.now() };
  drafts.set(path, kept);
  typed.add(path);
  store(path, kept);
  window.clearTimeout(timers.get(path));
  const send = () => sendDraft(path, text, digest).catch(report);
  timers.set(path, window.setTimeout(send, QUIET_MS));
}

export function dropDraft(path: string): void {
  typed.delete(path);
  if (!drafts.delete(path)) return;
  window.clearTimeout(timers.get(path));
  localStorage.removeItem(key(path));
  discardDraft(path).catch(report);
}

/** Another tab that saves a file removes the draft of the file, but not the text that is typed here. */
export function watchOtherTabs(): void {
  window.addEventListener("storage", (event) => {
    const path = [...typed].find((one) => key(one) === event.key);
    const draft = path === undefined ? undefined : drafts.get(path);
    if (path === undefined || draft === undefined) return;
    if (event.newValue === null) keepDraft(path, draft);
    else if (parseDraft(event.newValue)?.text !== draft.text) announce(TWO_TABS(path), "error");
  });
}

const TWO_TABS = (path: string) => `${path} is changed in two tabs. Save it in one of them and close the other.`;

/** Paths of all files of the folder with a draft. */
export function draftPaths(): string[] {
  return [...drafts.keys()].sort();
}

function store(path: string, draft: Kept): void {
  try {
    localStorage.setItem(key(path), JSON.stringify(draft));
  } catch {
    // The browser has no room; the server keeps the draft.
  }
}

function storedDrafts(): [string, Kept][] {
  const prefix = key("");
  const names = Object.keys(localStorage).filter((name) => name.startsWith(prefix));
  return names.flatMap((name) => {
    const draft = parseDraft(localStorage.getItem(name) ?? "");
    return draft === null ? [] : [[name.slice(prefix.length), draft]];
  });
}

function parseDraft(stored: string): Kept | null {
  try {
    const { text, digest, time } = JSON.parse(stored) as Partial<Kept>;
    return typeof text === "string" ? { text, digest: digest ?? null, time: time ?? 0 } : null;
  } catch {
    return null;
  }
}

/** Drafts of two folders that are edited in one browser are kept apart. */
function key(path: string): string {
  return `archnet.draft:${folderName()}:${path}`;
}
