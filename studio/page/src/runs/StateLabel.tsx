import type { RunState } from "../api/types";

const SIGNS: Record<RunState, string> = { running: "▶", finished: "✓", interrupted: "❚❚", failed: "✕" };

/** The state of a run as a sign and a word. */
export function StateLabel({ state }: { state: RunState }) {
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{SIGNS[state]}</span> {state}
    </span>
  );
}
