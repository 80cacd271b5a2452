// Loads the extension with a VS Code that has no windows, and prints what it shows and registers.
// Arguments: the bundle, and the setting archnet.path.
const Module = require("node:module");

const [bundle, program] = process.argv.slice(2);
const seen = { errors: [], commands: [], log: [] };
const nothing = { dispose() {} };
const events = new Proxy({}, { get: () => () => nothing });
const known = {
  window: {
    createOutputChannel: () => ({ ...nothing, info: (text) => seen.log.push(text), error: (text) => seen.log.push(text) }),
    showErrorMessage: async (...texts) => void seen.errors.push(texts),
  },
  commands: { registerCommand: (name) => (seen.commands.push(name), nothing) },
  workspace: {
    getConfiguration: () => ({ get: () => program }),
    onDidChangeConfiguration: () => nothing,
    workspaceFolders: [{ uri: { fsPath: "/project" } }],
  },
};
const vscode = new Proxy(known, { get: (target, name) => target[name] ?? class {} });
const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

require(bundle)
  .activate({ subscriptions: [] })
  .then(() => console.log(JSON.stringify(seen)));
