import { useState } from "preact/hooks";
import { startRun } from "../api/endpoints";
import { editing } from "../editing";
import { folder } from "../files/folder";
import { Dialog } from "../shell/Dialog";
import { announce, report } from "../shell/notices";
import { createStore, useStore } from "../store";
import { parseSettings } from "./parse_settings";
import { followProcess } from "./processes";

const NUMBERS = [
  { key: "training.epochs", label: "Epochs", least: 1 },
  { key: "training.batch_size", label: "Batch size", least: 1 },
  { key: "training.seed", label: "Seed", least: 0 },
] as const;

const asked = createStore<{ path: string | null; isOpen: boolean }>({ path: null, isOpen: false });

/** Asks for the settings of a run of a file; by default the open one. */
export function openStartRun(path: string | null): void {
  asked.set({ path, isOpen: true });
}

export function StartRunDialog() {
  const { path, isOpen } = useStore(asked, (value) => value);
  if (!isOpen) return null;
  return <StartRunForm path={path ?? editing.get().document?.path ?? ""} onClose={() => asked.set({ isOpen: false })} />;
}

function StartRunForm({ path, onClose }: { path: string; onClose: () => void }) {
  const entries = useStore(folder, (value) => value.entries);
  const files = entries.filter(({ kind }) => kind === "arch" || kind === "experiment");
  const [chosen, setChosen] = useState(files.some((file) => file.path === path) ? path : (files[0]?.path ?? ""));
  const isArch = files.find((file) => file.path === chosen)?.kind === "arch";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    start(chosen, values).then(onClose).catch(report);
  };
  return (
    <Dialog title="Start run" onClose={onClose}>
      <form onSubmit={submit}>
        <label class="field">
          Architecture or experiment
          <select value={chosen} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {files.map((file) => (
              <option key={file.path} value={file.path}>
                {file.path}
              </option>
            ))}
          </select>
        </label>
        <div class="field-pair">
          <TextField name="data" label="Data set" placeholder={isArch ? "luna16; to try: phantom" : "as in the experiment"} />
          <TextField name="root" label="Folder or file" placeholder={isArch ? "default folder" : "as in the experiment"} />
        </div>
        <div class="field-pair">
          {NUMBERS.map(({ key, label, least }) => (
            <NumberField key={key} name={key} label={label} least={least} placeholder={isArch ? "default" : "as in the file"} />
          ))}
        </div>
        <label class="field">
          More settings, one per line
          <textarea name="settings" rows={2} placeholder={"training.learning_rate=0.001"} spellcheck={false} />
        </label>
        <div class="buttons">
          <button type="submit" class="primary">
            Start
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function TextField({ name, label, placeholder }: { name: string; label: string; placeholder: string }) {
  return (
    <label class="field">
      {label}
      <input name={name} placeholder={placeholder} />
    </label>
  );
}

interface NumberFieldProps {
  name: string;
  label: string;
  least: number;
  placeholder: string;
}

function NumberField({ name, label, least, placeholder }: NumberFieldProps) {
  return (
    <label class="field">
      {label}
      <input name={name} type="number" min={least} step={1} placeholder={placeholder} />
    </label>
  );
}

async function start(path: string, values: FormData): Promise<void> {
  const text = (name: string) => String(values.get(name) ?? "").trim();
  const optional = ["data", "root"].filter((name) => text(name) !== "").map((name) => [name, text(name)] as const);
  const numbers = NUMBERS.filter(({ key }) => text(key) !== "").map(({ key }) => [key, Number(text(key))] as const);
  const process = await startRun({
    documents: [path],
    ...Object.fromEntries(optional),
    settings: { ...Object.fromEntries(numbers), ...parseSettings(text("settings")) },
    mode: "new",
  });
  announce("Run started.");
  followProcess(process);
}
