import { type Answer, answer } from "../analysis";
import { makeTwin, readFile } from "../api/endpoints";
import type { Drawing, Match, NetworkFacts, View } from "../api/types";
import { editing } from "../editing";
import { readDraft } from "../files/drafts";
import { latestOnly } from "../latest";
import { createStore } from "../store";

/** With what the open file is compared. */
export type Choice = { kind: "twin"; view: View; match: Match } | { kind: "file"; path: string };

/** The other network. */
export interface Other {
  title: string;
  text: string;
  network: NetworkFacts;
  drawing: Drawing;
}

interface Comparison {
  choice: Choice;
  other: Other | null;
  notes: readonly string[];
  /** Why there is no other network. */
  problem: string;
}

export const comparison = createStore<Comparison>({
  choice: { kind: "twin", view: "3d", match: "none" },
  other: null,
  notes: [],
  problem: "",
});

interface OtherText {
  title: string;
  path: string;
  text: string;
  notes: string[];
}

const ask = latestOnly(
  async (signal: AbortSignal, choice: Choice) => {
    const found = choice.kind === "twin" ? await twin(choice.view, choice.match) : await fileText(choice.path);
    return { found, answer: await answer(signal, found) };
  },
  ({ found, answer }) => comparison.set(result(found, answer)),
  (error) => comparison.set({ other: null, notes: [], problem: error instanceof Error ? error.message : String(error) }),
  150,
);

/** Computes the other network from the present text. */
export function compareAgain(): void {
  ask(comparison.get().choice);
}

async function twin(view: View, match: Match): Promise<OtherText> {
  const { document } = editing.get();
  if (document === null) throw new Error("Open an architecture first.");
  const { text, notes } = await makeTwin({ path: document.path, text: document.text }, view, match);
  return { title: `The ${view.toUpperCase()} twin`, path: document.path, text, notes };
}

async function fileText(path: string): Promise<OtherText> {
  const text = readDraft(path)?.text ?? (await readFile(path)).text;
  return { title: path, path, text, notes: [] };
}

function result({ title, text, notes }: OtherText, { analysis, drawing }: Answer): Partial<Comparison> {
  if (analysis.network === null || drawing === null) {
    return { other: null, notes, problem: `${title} is not a valid architecture.` };
  }
  return { other: { title, text, network: analysis.network, drawing }, notes, problem: "" };
}
