import { type AnalysisOptions, type DocumentText, analyze, drawNetwork } from "./api/endpoints";
import type { Analysis, Drawing } from "./api/types";
import { type OpenDocument, editing } from "./editing";
import { latestOnly } from "./latest";
import { moveCursor } from "./selection";
import { budgetBytes, planSettings } from "./settings";
import { report } from "./shell/notices";
import { createStore } from "./store";

const QUIET_MS = 80;

/** The number of blocks next to each other for which the pane has room. */
export const room = createStore({ columns: 5 });

/** Analyzes the text in the editor after each change, following a pause in typing. */
export function watchText(): void {
  let last: OpenDocument | null = null;
  const ask = latestOnly(answer, show, report, QUIET_MS);
  const request = () => {
    const { document } = editing.get();
    if (document !== null) ask(document);
  };
  editing.subscribe(() => {
    const { document } = editing.get();
    const isChanged = document?.text !== last?.text || document?.path !== last?.path;
    last = document;
    if (isChanged) request();
  });
  planSettings.subscribe(request);
  room.subscribe(request);
}

/** What a text means. */
export interface Answer {
  analysis: Analysis;
  drawing: Drawing | null;
}

/** Analyzes a text and, if it is a valid network, draws it. */
export async function answer(signal: AbortSignal, { path, text }: DocumentText): Promise<Answer> {
  const analysis = await analyze({ path, text }, analysisOptions(), signal);
  const isDrawn = analysis.is_valid && analysis.network !== null;
  const drawing = isDrawn ? await drawNetwork({ path, text }, room.get().columns, signal) : null;
  return { analysis, drawing };
}

export function analysisOptions(): AnalysisOptions {
  const settings = planSettings.get();
  return { batch_size: settings.batchSize, budget_bytes: budgetBytes(settings) };
}

/** Shows an answer; the last valid network stays while the text is invalid. */
function show({ analysis, drawing }: Answer, asked: OpenDocument): void {
  const { document } = editing.get();
  if (document?.path !== asked.path || document.text !== asked.text) return;
  const isNetwork = drawing !== null;
  editing.set({
    analysis,
    isOutdated: !isNetwork && editing.get().network !== null,
    ...(isNetwork ? { network: analysis.network, drawing } : {}),
  });
  moveCursor(editing.get().cursor);
}
