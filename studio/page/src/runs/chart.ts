import type { History } from "../api/types";

/** A line of a chart; null where a value is not defined. */
export interface Series {
  name: string;
  set: "train" | "validation";
  points: (number | null)[];
}

/** The lines of one metric over the epochs. */
export interface Chart {
  metric: string;
  epochs: number[];
  series: Series[];
}

/** One chart per metric, the loss first. */
export function charts(history: History): Chart[] {
  const epochs = (history["epoch"] ?? []).map((epoch) => epoch ?? 0);
  const names = Object.keys(history)
    .filter((name) => /^(train|validation)_/.test(name))
    .map((name) => name.replace(/^(train|validation)_/, ""));
  return [...new Set(names)].map((metric) => ({ metric, epochs, series: metricSeries(history, metric) }));
}

function metricSeries(history: History, metric: string): Series[] {
  return (["train", "validation"] as const).flatMap((set) => {
    const points = history[`${set}_${metric}`];
    return points === undefined ? [] : [{ name: set === "train" ? "training" : set, set, points }];
  });
}

/** Lowest and highest value of an axis, with a little space. */
export function valueRange(chart: Chart): [number, number] {
  const values = chart.series.flatMap(({ points }) => points.filter((point) => point !== null));
  if (values.length === 0) return [0, 1];
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  const space = (highest - lowest || Math.abs(highest) || 1) * 0.08;
  return [lowest - space, highest + space];
}

/** A metric as it is written in tables: abbreviations in capitals. */
export function metricName(name: string): string {
  return /^(auc|mcc)$/.test(name) ? name.toUpperCase() : name.replaceAll("_", " ");
}

/** Two to five round numbers inside a range. */
export function ticks([lowest, highest]: [number, number]): number[] {
  const rough = (highest - lowest) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(lowest / step);
  const count = Math.floor(highest / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}
