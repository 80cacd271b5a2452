import { ServerError } from "./api/client";
import { readFile, writeFile } from "./api/endpoints";
import type { Analysis, Drawing, FileContent, NetworkFacts } from "./api/types";
import { type Draft, dropDraft, keepDraft, readDraft } from "./files/drafts";
import { type LineBreak, toEditorText, toFileText } from "./line_breaks";
import { announce } from "./shell/notices";
import { createStore } from "./store";

/** The file in the editor. */
export interface OpenDocument {
  path: string;
  isReadOnly: boolean;
  lineBreak: LineBreak;
  hasByteOrderMark: boolean;
  /** What is typed. */
  text: string;
  /** What the file contained when it was read; null for a new file. */
  savedText: string | null;
  /** Digest of that content; null for a new file. */
  digest: string | null;
  /** Increases whenever the text is replaced from outside the editor. */
  revision: number;
}

/** A file that another program has changed; null if it has been removed. */
export interface DiskChange {
  file: FileContent | null;
}

export interface Editing {
  document: OpenDocument | null;
  diskChange: DiskChange | null;
  analysis: Analysis | null;
  /** The last network that the text determined, and its drawing. */
  network: NetworkFacts | null;
  drawing: Drawing | null;
  /** Whether the network is that of an earlier text. */
  isOutdated: boolean;
  /** Offset of the cursor in the text. */
  cursor: number;
  /** JSON path of the layer at the cursor. */
  selected: string | null;
}

const NOTHING: Omit<Editing, "document"> = {
  diskChange: null,
  analysis: null,
  network: null,
  drawing: null,
  isOutdated: false,
  cursor: 0,
  selected: null,
};

const NEW_FILE = { isReadOnly: false, lineBreak: "\n", hasByteOrderMark: false, savedText: null, digest: null } as const;

export const editing = createStore<Editing>({ document: null, ...NOTHING });

export function isUnsaved(document: OpenDocument): boolean {
  return document.text !== document.savedText;
}

/** Opens a file; its draft, if there is one, takes the place of its content. */
export async function openFile(path: string): Promise<void> {
  const draft = readDraft(path);
  const file = await readIfThere(path);
  if (file !== null) editing.set({ document: withDraft(fromFile(file), draft), ...NOTHING });
  else if (draft !== null) editing.set({ document: { ...NEW_FILE, ...draft, path, revision: 0 }, ...NOTHING });
  else announce(`${path} no longer exists.`, "error");
  const digest = file?.digest ?? null;
  if (draft !== null && draft.digest !== digest) editing.set({ diskChange: { file } });
}

function fromFile(file: FileContent): OpenDocument {
  const text = toEditorText(file.text, file.newline);
  return {
    path: file.path,
    isReadOnly: file.is_read_only,
    lineBreak: file.newline,
    hasByteOrderMark: file.has_byte_order_mark,
    text,
    savedText: text,
    digest: file.digest,
    revision: 0,
  };
}

function withDraft(document: OpenDocument, draft: Draft | null): OpenDocument {
  return draft === null || document.isReadOnly ? document : { ...document, ...draft };
}

/** Opens a text that is not a file yet. */
export function openNew(path: string, text: string): void {
  keepDraft(path, { text, digest: null });
  editing.set({ document: { ...NEW_FILE, path, text, revision: 0 }, ...NOTHING });
}

async function readIfThere(path: string): Promise<FileContent | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return null;
    throw error;
  }
}

/** Records what was typed, as a draft until it is saved. */
export function changeText(text: string): void {
  const { document } = editing.get();
  if (document !== null && document.text !== text) keep({ ...document, text });
}

/** Replaces the whole text from outside the editor. */
export function replaceText(text: string): void {
  const { document } = editing.get();
  if (document !== null) keep({ ...document, text, revision: document.revision + 1 });
}

function keep(document: OpenDocument): void {
  editing.set({ document });
  if (isUnsaved(document)) keepDraft(document.path, { text: document.text, digest: document.digest });
  else dropDraft(document.path);
}

let lastSave: Promise<void> = Promise.resolve();

/** Writes exactly what is typed, after an earlier save has ended, since each needs the digest of the one before. */
export function save(): Promise<void> {
  const path = editing.get().document?.path;
  lastSave = lastSave.catch(() => undefined).then(() => saveNow(path));
  return lastSave;
}

async function saveNow(path: string | undefined): Promise<void> {
  const { document } = editing.get();
  if (document === null || document.path !== path) return;
  if (document.isReadOnly) {
    announce("This file is read-only. Use “Save as…” to make a copy.", "error");
    return;
  }
  try {
    const { digest } = await writeFile({
      path: document.path,
      text: toFileText(document.text, document.lineBreak),
      expected_digest: document.digest,
      has_byte_order_mark: document.hasByteOrderMark,
    });
    afterSave(document, digest);
  } catch (error) {
    if (!(error instanceof ServerError && error.status === 409)) throw error;
    editing.set({ diskChange: { file: await readIfThere(document.path) } });
  }
}

/** The user may have continued typing, or opened another file, while the file was written. */
function afterSave(written: OpenDocument, digest: string): void {
  announce(`Saved ${written.path}.`);
  const { document } = editing.get();
  if (document === null || document.path !== written.path) {
    const draft = readDraft(written.path);
    if (draft !== null && draft.text !== written.text) keepDraft(written.path, { text: draft.text, digest });
    else dropDraft(written.path);
    return;
  }
  keep({ ...document, savedText: written.text, digest });
  editing.set({ diskChange: null });
}

/** Reloads the open file if its content on the disk is different and nothing is unsaved; else the user decides.
 *
 * @param digest Digest of the file on the disk; null if it has been removed.
 */
export async function noticeDisk(path: string, digest: string | null): Promise<void> {
  const before = editing.get();
  if (before.document?.path !== path || before.document.digest === digest) return;
  if (before.diskChange !== null && (before.diskChange.file?.digest ?? null) === digest) return;
  const file = await readIfThere(path);
  const { document } = editing.get();
  if (document === null || document.path !== path || document.digest === (file?.digest ?? null)) return;
  if (file === null || isUnsaved(document)) {
    editing.set({ diskChange: { file } });
  } else {
    takeFromDisk(file);
    announce(`${path} has changed on disk. The new text has been loaded.`);
  }
}

/** Replaces the text by that on the disk. */
export function takeFromDisk(file: FileContent): void {
  const { document } = editing.get();
  if (document === null) return;
  dropDraft(document.path);
  editing.set({ document: { ...fromFile(file), revision: document.revision + 1 }, diskChange: null });
}

/** Keeps what is typed; the next save replaces the file on the disk. */
export function keepMine(file: FileContent | null): void {
  const { document } = editing.get();
  if (document === null) return;
  const savedText = file === null ? null : toEditorText(file.text, document.lineBreak);
  keep({ ...document, savedText, digest: file?.digest ?? null });
  editing.set({ diskChange: null });
}
