import type { RunEntry, SetName } from "../api/types";

/** The column by which the table is sorted: a property of a run, or a metric. */
export interface Order {
  key: string;
  isDescending: boolean;
}

/** Sorts runs; those without a value come last in both directions. */
export function ordered(entries: readonly RunEntry[], { key, isDescending }: Order, setName: SetName): RunEntry[] {
  const sign = isDescending ? -1 : 1;
  return [...entries].sort((left, right) => {
    const [a, b] = [valueOf(left, key, setName), valueOf(right, key, setName)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === "string" && typeof b === "string" ? a.localeCompare(b) : Number(a) - Number(b));
  });
}

function valueOf(run: RunEntry, key: string, setName: SetName): string | number | null {
  if (key === "name" || key === "state" || key === "started" || key === "data") return run[key];
  return run.metrics[setName]?.[key] ?? null;
}
