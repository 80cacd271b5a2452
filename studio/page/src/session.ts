import { listFolder } from "./api/endpoints";
import { loadDrafts } from "./files/drafts";
import { folderName, setFolderName } from "./folder_name";

const FOLDER_KEY = "archnet.folder";

/** Asks the server for its folder, and for the drafts of its files. */
export async function startSession(): Promise<void> {
  setFolderName((await listFolder()).folder);
  sessionStorage.setItem(FOLDER_KEY, folderName());
  await loadDrafts();
}

/** The command that runs the sweep of a file, from any folder. */
export function sweepCommand(path: string): string {
  const shipped = path.match(/^shipped:(.*)$/)?.[1];
  return `cd ${quoted(folderName())} && archnet sweep ${quoted(shipped ?? path)}`;
}

/** The command that starts the server again, at the same port. */
export function startCommand(): string {
  const folder = folderName() || sessionStorage.getItem(FOLDER_KEY) || "FOLDER";
  return `archnet studio ${quoted(folder)} --port ${location.port}`;
}

/** A path as the shell needs it. */
function quoted(path: string): string {
  if (path.startsWith("-")) return quoted(`./${path}`);
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
