import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const MARK = "/node_modules/";
const RULE = "-".repeat(100);

/** Writes the licences of all packages of which the bundle contains code to LICENSES.txt. */
export function licences() {
  return {
    name: "licences",
    generateBundle(_options, bundle) {
      const folders = new Set(Object.values(bundle).flatMap(bundledFolders));
      const parts = [...folders].sort().map(licenceText);
      this.emitFile({ type: "asset", fileName: "LICENSES.txt", source: parts.join(`\n${RULE}\n\n`) });
    },
  };
}

/** The package folders of the modules of a chunk. */
function bundledFolders(chunk) {
  return (chunk.moduleIds ?? []).filter((id) => id.includes(MARK)).map(packageFolder);
}

function packageFolder(id) {
  const end = id.lastIndexOf(MARK) + MARK.length;
  const names = id.slice(end).split("/");
  return id.slice(0, end) + names.slice(0, names[0].startsWith("@") ? 2 : 1).join("/");
}

function licenceText(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined || !existsSync(join(folder, file))) {
    throw new Error(`${name} has no licence file.`);
  }
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}
