// Runs the extension in a VS Code without windows, and prints what it shows, logs and registers.
// Arguments: the bundle, the setting archnet.path, and a folder with archs/net.json, which is the active editor.
const Module = require("node:module");
const { readFileSync } = require("node:fs");

const [bundle, program, folder] = process.argv.slice(2);
const seen = { errors: [], messages: [], log: [], commands: [], problems: {}, created: [], shown: [] };
const nothing = { dispose() {} };
const functions = {};

class Uri {
  constructor(text) {
    Object.assign(this, { text, scheme: "file", path: text.slice(7), fsPath: text.slice(7), authority: "" });
  }
  static parse = (text) => new Uri(text);
  static file = (path) => new Uri(`file://${path}`);
  toString() {
    return this.text;
  }
}

class Disposable {
  static from = () => nothing;
  dispose() {}
}

class EventEmitter {
  listeners = [];
  event = (listener) => (this.listeners.push(listener), nothing);
  fire = (value) => this.listeners.forEach((listener) => listener(value));
  dispose() {}
}

class CodeActionKind {
  static Empty = new CodeActionKind();
  append = () => this;
}

class CancellationTokenSource extends Disposable {
  token = { isCancellationRequested: false, onCancellationRequested: () => nothing };
  cancel() {}
}

class Diagnostic {
  constructor(range, message) {
    this.message = message;
  }
}

class WorkspaceEdit {
  createFile = (uri, options) => seen.created.push([uri.fsPath, options.overwrite, options.ignoreIfExists]);
  set = (uri, edits) => seen.created.push(edits.length);
}

const uri = Uri.file(`${folder}/archs/net.json`);
const document = {
  uri,
  languageId: "json",
  version: 1,
  isClosed: false,
  getText: () => readFileSync(uri.fsPath, "utf8"),
};
const show = (list) => async (...texts) => void list.push(texts);

const log = (text) => void seen.log.push(text);
const withDefaults = (target, value) => new Proxy(target, { get: (own, name) => (name in own ? own[name] : value) });

const known = {
  window: {
    createOutputChannel: () => withDefaults({ info: log, error: log }, () => nothing),
    showErrorMessage: show(seen.errors),
    showInformationMessage: show(seen.messages),
    showWarningMessage: show(seen.messages),
    showQuickPick: async (choices) => choices.at(-1),
    showTextDocument: async (target) => void seen.shown.push(target.fsPath),
    activeTextEditor: folder && { document },
    visibleTextEditors: [],
    tabGroups: { all: [], onDidChangeTabs: () => nothing },
  },
  commands: {
    registerCommand: (name, run) => (seen.commands.push(name), (functions[name] = run), nothing),
  },
  workspace: {
    getConfiguration: () => ({ get: (name) => (name === "path" ? program : undefined) }),
    workspaceFolders: [{ uri: Uri.file(folder ?? "/project"), name: "project", index: 0 }],
    textDocuments: folder ? [document] : [],
    notebookDocuments: [],
    applyEdit: async () => true,
    createFileSystemWatcher: () => new Proxy({}, { get: () => () => nothing }),
  },
  languages: {
    match: () => 10,
    createDiagnosticCollection: () => ({
      ...nothing,
      set: (target, problems) => (seen.problems[target.fsPath] = problems.map((problem) => problem.message)),
      delete() {},
      clear() {},
    }),
  },
  env: { appName: "Visual Studio Code", language: "en" },
  version: "1.91.0",
  Uri,
  Disposable,
  EventEmitter,
  CancellationTokenSource,
  CodeActionKind,
  Diagnostic,
  WorkspaceEdit,
};
for (const name of ["window", "commands", "workspace", "languages"]) known[name] = withDefaults(known[name], () => nothing);
const load = Module._load;
const vscode = withDefaults(known, class {});
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
};

(async () => {
  const extension = require(bundle);
  await extension.activate({ subscriptions: [] });
  if (folder) {
    await until(() => uri.fsPath in seen.problems);
    await functions["archnet.createTwin"]();
    await until(() => seen.messages.length > 0);
    await functions["archnet.restartServer"]();
    await extension.deactivate();
  }
  console.log(JSON.stringify(seen));
})();
