// The extension: starts `archnet lsp`, and explains the remedy if the program is missing.
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { LanguageClient, type ExecuteCommandSignature } from "vscode-languageclient/node";

const CREATE_TWIN = "archnet.createTwin";
const RESTART = "archnet.restartServer";
const FORMS = { "2D": 2, "2.5D": 2.5, "3D": 3 };
const LANGUAGES = ["json", "jsonc"];

let client: LanguageClient | undefined;
let output: vscode.LogOutputChannel;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  output = vscode.window.createOutputChannel("archnet", { log: true });
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand(RESTART, restart),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("archnet.path")) await restart();
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

async function stop(): Promise<void> {
  const stopped = client;
  client = undefined;
  await stopped?.dispose();
}

async function start(): Promise<void> {
  const program = programPath();
  if (!(await isInstalled(program))) return;
  client = new LanguageClient(
    "archnet",
    "archnet",
    { command: program, args: ["lsp"] },
    {
      documentSelector: ["file", "untitled"].flatMap((scheme) =>
        LANGUAGES.map((language) => ({ scheme, language })),
      ),
      synchronize: { configurationSection: "archnet" },
      outputChannel: output,
      middleware: { executeCommand: runCommand },
    },
  );
  try {
    await client.start();
  } catch (error) {
    void explain(`The language server did not start: ${text(error)}. See the "archnet" output channel.`);
  }
}

/** The setting archnet.path with the workspace folder and the home folder filled in. */
function programPath(): string {
  const path = vscode.workspace.getConfiguration("archnet").get<string>("path")?.trim() || "archnet";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return path.replace("${workspaceFolder}", folder ?? ".").replace(/^~(?=[/\\])/, homedir());
}

/** Whether the program runs; explains the remedy if not. */
async function isInstalled(program: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: 60_000 });
    output.info(`${program}: ${stdout.trim()}`);
    return true;
  } catch (error) {
    const remedy =
      'Install it with "pip install archnet", or set "archnet.path" to its full path, ' +
      "such as ${workspaceFolder}/.venv/bin/archnet.";
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const problem = isMissing
      ? `The program "${program}" was not found.`
      : `The program "${program}" failed to run: ${text(error)}`;
    void explain(`${problem} ${remedy}`); // its buttons may be used much later
    return false;
  }
}

async function explain(message: string): Promise<void> {
  output.error(message);
  const [settings, again] = ["Open Settings", "Try Again"];
  const answer = await vscode.window.showErrorMessage(message, settings, again);
  if (answer === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "archnet.path");
  if (answer === again) await restart();
}

/** Run a command of the server. From the command palette, it is for the active editor and asks for the form. */
async function runCommand(command: string, args: unknown[], next: ExecuteCommandSignature): Promise<unknown> {
  if (command !== CREATE_TWIN || args.length > 0) return next(command, args);
  const editor = vscode.window.activeTextEditor;
  if (!editor || !LANGUAGES.includes(editor.document.languageId)) {
    return vscode.window.showInformationMessage("Open an architecture first.");
  }
  const form = await vscode.window.showQuickPick(Object.keys(FORMS), { placeHolder: "Select the form of the twin" });
  if (!form) return undefined;
  return next(command, [editor.document.uri.toString(), FORMS[form as keyof typeof FORMS]]);
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
