let path = "";

/** Absolute path of the folder of the page; empty as long as the server has not told it. */
export function folderName(): string {
  return path;
}

export function setFolderName(name: string): void {
  path = name;
}
