import type { Match, View } from "../api/types";
import { folder } from "../files/folder";
import { useStore } from "../store";
import { type Choice, comparison } from "./comparison";

const VIEWS: readonly View[] = ["2d", "2.5d", "3d"];

const MATCHES: readonly { name: Match; title: string }[] = [
  { name: "none", title: "same widths" },
  { name: "macs", title: "same multiply-adds" },
  { name: "parameters", title: "same parameters" },
];

/** Chooses the network to compare with: a twin or a file. */
export function OtherChoice({ path, choice }: { path: string; choice: Choice }) {
  const entries = useStore(folder, (value) => value.entries);
  const files = entries.filter((entry) => entry.kind === "arch" && entry.path !== path);
  return (
    <div class="compare-choice">
      <label>
        <span>
          Compare <b>{path}</b> with
        </span>
        <select value={choiceText(choice)} onChange={({ currentTarget }) => choose(currentTarget.value, choice)}>
          <optgroup label="Its twin">
            {VIEWS.map((view) => (
              <option key={view} value={`twin:${view}`}>
                its {view.toUpperCase()} twin
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
    </div>
  );
}

function choiceText(choice: Choice): string {
  return choice.kind === "twin" ? `twin:${choice.view}` : `file:${choice.path}`;
}

function choose(value: string, before: Choice): void {
  const name = value.slice(value.indexOf(":") + 1);
  const match = before.kind === "twin" ? before.match : "none";
  comparison.set({
    choice: value.startsWith("twin:") ? { kind: "twin", view: name as View, match } : { kind: "file", path: name },
  });
}
