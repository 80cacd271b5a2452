import { listFolder } from "./api/endpoints";

let folderPath = "";

const FOLDER_KEY = "archnet.folder";

/** Asks the server for its folder, to which drafts belong. */
export async function startSession(): Promise<void> {
  folderPath = (await listFolder()).folder;
  sessionStorage.setItem(FOLDER_KEY, folderPath);
}

/** Absolute path of the folder; empty as long as the server has not told it. */
export function folderName(): string {
  return folderPath;
}

/** The command that starts the server again, at the same address: the drafts belong to it. */
export function startCommand(): string {
  const folder = folderPath || sessionStorage.getItem(FOLDER_KEY) || "FOLDER";
  return `archnet studio ${quoted(folder)} --port ${location.port}`;
}

/** A path as the shell needs it. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
