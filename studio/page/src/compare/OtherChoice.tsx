import type { Form, Match } from "../api/types";
import { editing } from "../editing";
import { folder } from "../files/folder";
import { useStore } from "../store";
import { type Choice, comparison, needsDepth } from "./comparison";

const FORMS: readonly Form[] = ["2d", "2.5d", "3d"];

const MATCHES: readonly { name: Match; title: string }[] = [
  { name: "none", title: "same widths" },
  { name: "macs", title: "same multiply-adds" },
  { name: "parameters", title: "same parameters" },
];

/** Chooses the network to compare with: a twin or a file. */
export function OtherChoice({ path, choice }: { path: string; choice: Choice }) {
  const network = useStore(editing, (value) => value.network);
  const entries = useStore(folder, (value) => value.entries);
  const files = entries.filter((entry) => entry.kind === "arch" && entry.path !== path);
  return (
    <div class="compare-choice">
      <label>
        <span>
          Compare <b>{path}</b> with
        </span>
        <select value={choiceText(choice)} onChange={({ currentTarget }) => choose(currentTarget.value, choice)}>
          <optgroup label="Twins">
            {FORMS.map((form) => (
              <option key={form} value={`twin:${form}`}>
                {form.toUpperCase()} twin
              </option>
            ))}
          </optgroup>
          <optgroup label="Architectures">
            {files.map((entry) => (
              <option key={entry.path} value={`file:${entry.path}`}>
                {entry.path}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      {choice.kind === "twin" && (
        <label>
          <span>Widths</span>
          <select
            value={choice.match}
            onChange={({ currentTarget }) =>
              comparison.set({ choice: { ...choice, match: currentTarget.value as Match } })
            }
          >
            {MATCHES.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      {choice.kind === "twin" && needsDepth(choice, network) && (
        <label>
          <span>Input depth</span>
          <input
            type="number"
            min={2}
            max={1024}
            value={choice.depth}
            onInput={({ currentTarget }) => {
              const depth = currentTarget.valueAsNumber;
              if (Number.isInteger(depth) && depth >= 2) comparison.set({ choice: { ...choice, depth } });
            }}
          />
        </label>
      )}
    </div>
  );
}

const STANDARD = { match: "none", depth: 16 } as const;

function choiceText(choice: Choice): string {
  return choice.kind === "twin" ? `twin:${choice.form}` : `file:${choice.path}`;
}

function choose(value: string, before: Choice): void {
  const name = value.slice(value.indexOf(":") + 1);
  const { match, depth } = before.kind === "twin" ? before : STANDARD;
  comparison.set({
    choice: value.startsWith("twin:") ? { kind: "twin", form: name as Form, match, depth } : { kind: "file", path: name },
  });
}
