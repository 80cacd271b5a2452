import { address, request } from "./client";
import type {
  Analysis,
  CompletionOffer,
  Crop,
  Drawing,
  DurationAnswer,
  ExperimentAnswer,
  FileContent,
  Folder,
  Form,
  HoverText,
  Match,
  RunDetail,
  RunProcess,
  RunTableAnswer,
  SweepAnswer,
  TextEdit,
} from "./types";

/** What an analysis assumes. */
export interface AnalysisOptions {
  batch_size: number;
  budget_bytes: number | null;
}

/** A text as it stands in the editor, and the file that it is. */
export interface DocumentText {
  path: string;
  text: string;
}

export function listFolder(): Promise<Folder> {
  return request("GET", "/api/folder");
}

export function readFile(path: string): Promise<FileContent> {
  return request("GET", address("/api/document", { path }));
}

/** What is written into a file. */
export interface NewContent {
  path: string;
  text: string;
  /** Digest of the file that was edited, or null for a new file; the server does not overwrite any other. */
  expected_digest: string | null;
  has_byte_order_mark: boolean;
}

/** Writes a file exactly as given. */
export function writeFile(content: NewContent): Promise<{ digest: string }> {
  return request("PUT", "/api/document", content);
}

export function listDrafts(): Promise<{ drafts: { path: string; saved: string }[] }> {
  return request("GET", "/api/drafts");
}

export function readDraft(path: string): Promise<{ draft: { text: string; base_digest: string | null } | null }> {
  return request("GET", address("/api/draft", { path }));
}

export function sendDraft(path: string, text: string, digest: string | null): Promise<unknown> {
  return request("PUT", "/api/draft", { path, text, base_digest: digest });
}

export function discardDraft(path: string): Promise<unknown> {
  return request("DELETE", address("/api/draft", { path }));
}

export function analyze(document: DocumentText, options: AnalysisOptions, signal?: AbortSignal): Promise<Analysis> {
  return request("POST", "/api/analysis", { ...document, ...options }, signal);
}

export function drawNetwork(document: DocumentText, columns: number, signal?: AbortSignal): Promise<Drawing> {
  return request("POST", "/api/drawing", { ...document, columns }, signal);
}

export function complete(document: DocumentText, offset: number): Promise<{ completions: CompletionOffer[] }> {
  return request("POST", "/api/completion", { ...document, offset });
}

export function hover(document: DocumentText, offset: number): Promise<{ hover: HoverText | null }> {
  return request("POST", "/api/hover", { ...document, offset });
}

export function format(document: DocumentText): Promise<{ edits: TextEdit[] }> {
  return request("POST", "/api/format", { ...document });
}

/** Converts a network to 2D, 2.5D or 3D.
 *
 * @param inputShape Input with a depth, for a network that has none.
 */
export function makeTwin(
  document: DocumentText,
  form: Form,
  match: Match,
  inputShape: readonly number[] | null,
): Promise<{ text: string; notes: string[] }> {
  return request("POST", "/api/twin", { ...document, form, match, input_shape: inputShape });
}

export function listRuns(): Promise<RunTableAnswer> {
  return request("GET", "/api/runs");
}

export function readRun(path: string): Promise<RunDetail> {
  return request("GET", address("/api/run", { path }));
}

export function listProcesses(): Promise<{ processes: RunProcess[] }> {
  return request("GET", "/api/processes");
}

/** What a run is started from; what is left out is a choice of the files. */
export interface RunRequest {
  documents: string[];
  data?: string;
  root?: string;
  settings: Record<string, unknown>;
  mode: "new" | "resume" | "overwrite";
}

export function startRun(run: RunRequest): Promise<RunProcess> {
  return request("POST", "/api/run/start", run);
}

export function stopRun(path: string): Promise<unknown> {
  return request("POST", "/api/run/stop", { path });
}

export function resumeRun(path: string): Promise<RunProcess> {
  return request("POST", "/api/run/resume", { path });
}

/** The address of a report, which is valid once. */
export function openReport(path: string): Promise<{ address: string }> {
  return request("POST", "/api/report", { path });
}

/** A crop of the phantom in the shape of an input. */
export function readCrop(inputShape: readonly number[], signal: AbortSignal): Promise<Crop> {
  return request("POST", "/api/crop", { input_shape: inputShape }, signal);
}

/** A data set in the place of the one that the document names. */
export interface DataChoice {
  data?: string;
  root?: string;
}

export function resolveExperiment(document: DocumentText, data: DataChoice): Promise<ExperimentAnswer> {
  return request("POST", "/api/experiment", { ...document, ...data });
}

/** Measures a few steps of each architecture, which takes a while. */
export function measureDuration(document: DocumentText, data: DataChoice): Promise<DurationAnswer> {
  return request("POST", "/api/duration", { ...document, ...data });
}

export function proposeTrials(document: DocumentText, count: number, signal: AbortSignal): Promise<SweepAnswer> {
  return request("POST", "/api/sweep", { ...document, count }, signal);
}
