/** The answers of the server. Offsets in texts count UTF-16 code units. */

export type DocumentKind = "arch" | "experiment" | "sweep";
export type Severity = "error" | "warning" | "hint";
/** Dimensionality of a network. */
export type Form = "2d" | "2.5d" | "3d";
export type Match = "none" | "macs" | "parameters";

export interface DataSetInfo {
  name: string;
  title: string;
  root: string | null;
}

export interface ServerInfo {
  folder: string;
  version: string;
  start_command: string;
  data_sets: DataSetInfo[];
}

export interface Folder {
  folder: string;
  documents: FileEntry[];
  is_complete: boolean;
}

export interface FileEntry {
  path: string;
  kind: DocumentKind | "other";
  digest: string;
  is_shipped: boolean;
  is_read_only: boolean;
}

export interface FileContent extends FileEntry {
  text: string;
  newline: "\n" | "\r\n";
  has_byte_order_mark: boolean;
}

export interface TextEdit {
  start: number;
  end: number;
  new_text: string;
}

export interface Fix {
  title: string;
  edits: TextEdit[];
}

export interface Diagnostic {
  start: number;
  end: number;
  severity: Severity;
  message: string;
  path: string;
  fixes: Fix[];
}

export interface LayerFacts {
  path: string;
  start: number;
  end: number;
  type: string;
  summary: string;
  input_shape: number[];
  output_shape: number[];
  num_parameters: number;
  num_macs: number;
  memory_bytes: number;
  receptive_field: number[] | null;
  receptive_field_mm: number[] | null;
}

export interface NetworkMemory {
  batch_size: number;
  micro_batch_size: number;
  peak_bytes: number;
  budget_bytes: number | null;
}

export interface NetworkFacts {
  name: string;
  rank: number;
  input_shape: number[];
  is_input_assumed: boolean;
  layers: LayerFacts[];
  num_parameters: number;
  num_macs: number;
  memory: NetworkMemory;
  /** False if the layers end before the first one with a problem. */
  is_complete: boolean;
}

export interface DrawnBlock {
  place: string | null;
  x: number;
  y: number;
  most: number;
  height: number;
  width: number;
  depth: number;
  left: number;
  colour: number;
  type: string;
  lines: string[];
  shape: string;
}

export interface DrawnRow {
  blocks: DrawnBlock[];
  flows: string[];
  frames: { x: number; y: number; width: number; height: number }[];
  notes: { x: number; y: number; text: string; is_title: boolean }[];
  width: number;
  height: number;
}

export interface Drawing {
  column: number;
  rows: DrawnRow[];
  alt: string;
}

export interface Analysis {
  kind: DocumentKind;
  is_valid: boolean;
  diagnostics: Diagnostic[];
  network: NetworkFacts | null;
}

export interface CompletionOffer {
  edit: TextEdit;
  /** Changes elsewhere, made together with it. */
  other_edits: TextEdit[];
  label: string;
  kind: "key" | "value" | "layer";
  detail: string;
  documentation: string;
  is_snippet: boolean;
}

export interface HoverText {
  start: number;
  end: number;
  markdown: string;
}

export type RunState = "running" | "finished" | "interrupted" | "failed";
export type SetName = "train" | "validation" | "test";

export interface MetricInfo {
  name: string;
  label: string;
  is_lower_better: boolean;
}

export interface RunEntry {
  /** Path of its folder in the folder of the page. */
  path: string;
  name: string;
  kind: "network" | "baseline" | "stacked" | "sweep" | "versus";
  state: RunState;
  detail: string;
  /** ISO 8601, in UTC. */
  started: string;
  experiment: string;
  arch: string;
  data: string;
  metrics: Partial<Record<SetName, Record<string, number | null>>>;
  tags: string[];
  note: string;
  has_report: boolean;
}

export interface RunTableAnswer {
  metrics: MetricInfo[];
  runs: RunEntry[];
  problems: { name: string; problem: string }[];
}

/** Columns of history.csv, with one value for each finished epoch. */
export type History = Record<string, (number | null)[]>;

export interface RunDetail extends RunEntry {
  history: History;
  num_epochs: number;
  max_epochs: number | null;
  kept_epoch: number | null;
  best_metric: string | null;
  best_value: number | null;
  ending: string;
  seconds_left: number | null;
  classes: string[];
  positive: string | null;
  /** Rows are the true classes, columns the predictions. */
  confusion_matrices: Partial<Record<SetName, number[][]>>;
  log: string[];
  owner: string | null;
  can_stop: boolean;
  can_resume: boolean;
}

/** A process that the page has started. */
export interface RunProcess {
  id: number;
  command: string;
  is_running: boolean;
  exit_code: number | null;
  started: string;
  output: string[];
}

/** A crop of a scan, with an image for each axial slice, from inferior to superior. */
export interface Crop {
  source: string;
  case: string;
  class: string;
  /** (height, width, depth). */
  shape: number[];
  /** Along the same axes. */
  spacing_mm: number[] | null;
  /** PNG files in base64. */
  slices: string[];
}

export interface CaseCounts {
  cases: number;
  groups: number;
  classes: Record<string, number>;
}

/** An option that was "auto", what it becomes on the data, and why. */
export interface AutoValue {
  key: string;
  value: string;
  reason: string;
}

export interface ExperimentAnswer {
  name: string;
  data: CaseCounts & { name: string; root: string | null; positive: string; shape: number[] };
  split: Record<string, unknown>;
  split_reason: string | null;
  sets: Record<string, CaseCounts>;
  expected_recall: string | null;
  runs: { name: string; arch: string; auto: AutoValue[]; epochs: number; batch_size: number; warnings: string[] }[];
  problem: string | null;
  ignored: string[];
}

export interface DurationAnswer {
  seconds: number;
  archs: {
    arch: string;
    num_runs: number;
    epochs: number;
    steps_per_epoch: number;
    step_seconds: number;
    seconds: number;
  }[];
}

export interface Trial {
  number: number;
  values: Record<string, unknown>;
  arch: string | null;
  parameters: number | null;
  macs: number | null;
  problem: string | null;
}

export interface SweepAnswer {
  name: string;
  num_trials: number;
  runs_per_trial: number;
  search: string;
  metric: string;
  keys: string[];
  trials: Trial[];
  depends_on_results: boolean;
}
