import { useState } from "preact/hooks";
import { type OpenDocument, editing, openNew, save } from "../editing";
import { Dialog } from "../shell/Dialog";
import { showFile } from "../shell/navigation";
import { report } from "../shell/notices";
import { createStore, useStore } from "../store";
import { folder } from "./folder";
import { TEMPLATES } from "./templates";

interface Request {
  /** The text to copy; null to choose a template. */
  text: string | null;
  path: string;
}

const asked = createStore<{ request: Request | null }>({ request: null });

export function openNewFile(): void {
  asked.set({ request: { text: null, path: "" } });
}

/** Asks for a name under which a given text is saved. */
export function openNewText(path: string, text: string): void {
  asked.set({ request: { text, path } });
}

export function openSaveAs({ path, text }: OpenDocument): void {
  openNewText(path.replace(/^shipped:(.*?)(\.json)?$/, "$1.json").replace(/\.json$/, "_copy.json"), text);
}

/** Asks for the name and the content of a new file. A given text is saved at once, a template when the user saves it. */
export function NewFileDialog() {
  const request = useStore(asked, (value) => value.request);
  if (request === null) return null;
  return <NewFileForm request={request} onClose={() => asked.set({ request: null })} />;
}

function NewFileForm({ request, onClose }: { request: Request; onClose: () => void }) {
  const [path, setPath] = useState(request.path);
  const [source, setSource] = useState(TEMPLATES[0]?.name ?? "");
  const open = editing.get().document;
  const problem = pathProblem(path);
  const create = (event: Event) => {
    event.preventDefault();
    if (problem !== "") return;
    const name = path.replace(/^.*\//, "").replace(/\.json$/, "");
    const template = TEMPLATES.find((one) => one.name === source);
    openNew(withSuffix(path), request.text ?? template?.text(name) ?? open?.text ?? "");
    if (request.text !== null) save().catch(report);
    onClose();
    showFile(withSuffix(path));
  };
  return (
    <Dialog title={request.text === null ? "New file" : "Save as"} onClose={onClose}>
      <form onSubmit={create}>
        <label class="field">
          Name
          <input
            autofocus
            value={path}
            placeholder="archs/mine.json"
            onInput={({ currentTarget }) => setPath(currentTarget.value)}
            aria-describedby="new-file-problem"
          />
        </label>
        <p id="new-file-problem" class="note" role="status">
          {path === "" ? "Path within the folder, such as archs/mine.json." : problem}
        </p>
        {request.text === null && (
          <fieldset class="options">
            <legend>Content</legend>
            {TEMPLATES.map(({ name, title }) => (
              <Option key={name} name={name} title={title} source={source} onChoose={setSource} />
            ))}
            {open !== null && (
              <Option name="copy" title={`A copy of ${open.path}`} source={source} onChoose={setSource} />
            )}
          </fieldset>
        )}
        <div class="buttons">
          <button type="submit" class="primary" disabled={problem !== ""}>
            Create
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface OptionProps {
  name: string;
  title: string;
  source: string;
  onChoose: (name: string) => void;
}

function Option({ name, title, source, onChoose }: OptionProps) {
  return (
    <label>
      <input type="radio" name="content" checked={source === name} onChange={() => onChoose(name)} />
      {title}
    </label>
  );
}

function withSuffix(path: string): string {
  return path.endsWith(".json") ? path : `${path}.json`;
}

/** Why a file cannot be created at a path; empty if it can. */
function pathProblem(path: string): string {
  if (path === "") return "Enter a name.";
  if (folder.get().entries.some((entry) => entry.path === withSuffix(path))) return "A file with this name already exists.";
  if (path.startsWith("/") || path.includes("..")) return "The file must be inside the folder.";
  return "";
}
