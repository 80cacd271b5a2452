import { type Answer, answer } from "../analysis";
import { makeTwin, readFile } from "../api/endpoints";
import type { Drawing, Form, Match, NetworkFacts } from "../api/types";
import { editing } from "../editing";
import { readDraft } from "../files/drafts";
import { latestOnly } from "../latest";
import { createStore } from "../store";

/** The network to compare the open file with. */
export type Choice = { kind: "twin"; form: Form; match: Match; depth: number } | { kind: "file"; path: string };

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
  choice: { kind: "twin", form: "3d", match: "none", depth: 16 },
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
    const found = choice.kind === "twin" ? await twin(choice) : await fileText(choice.path);
    return { found, answer: await answer(signal, found) };
  },
  ({ found, answer }) => comparison.set(result(found, answer)),
  (error) => comparison.set({ other: null, notes: [], problem: error instanceof Error ? error.message : String(error) }),
  150,
);

/** Moves on from a twin of the form that the network itself has: a 3D network is compared with its 2D twin first. */
export function leaveOwnForm(): void {
  const { choice } = comparison.get();
  const rank = editing.get().network?.rank;
  if (choice.kind !== "twin" || choice.form !== `${rank}d`) return;
  comparison.set({ choice: { ...choice, form: rank === 3 ? "2d" : "3d" } });
}

/** Computes the other network from the current text. */
export function compareAgain(): void {
  ask(comparison.get().choice);
}

async function twin({ form, match, depth }: Extract<Choice, { kind: "twin" }>): Promise<OtherText> {
  const { document, network } = editing.get();
  if (document === null || network === null) throw new Error("Open a valid architecture first.");
  const shape = network.input_shape.slice(0, -1);
  const twinShape = form !== "2d" && shape.length === 2 ? [...shape, depth] : null;
  const { text, notes } = await makeTwin({ path: document.path, text: document.text }, form, match, twinShape);
  return { title: `The ${form.toUpperCase()} twin`, path: document.path, text, notes };
}

/** Whether a twin needs a depth, which its original does not have. */
export function needsDepth(choice: Choice, network: NetworkFacts | null): boolean {
  return choice.kind === "twin" && choice.form !== "2d" && network?.rank === 2;
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
