import { listRuns, readRun } from "../api/endpoints";
import type { MetricInfo, RunDetail, RunEntry } from "../api/types";
import { place } from "../shell/navigation";
import { report } from "../shell/notices";
import { createStore } from "../store";

interface Runs {
  entries: readonly RunEntry[];
  metrics: readonly MetricInfo[];
  isLoaded: boolean;
  /** The run that is shown. */
  detail: RunDetail | null;
}

export const runs = createStore<Runs>({ entries: [], metrics: [], isLoaded: false, detail: null });

const TABLE_MS = 3000;
const DETAIL_MS = 1000;

/** Reads the table and the shown run again and again while the page of runs is visible; returns how to end this. */
export function watchRuns(): () => void {
  const refresh = (read: () => Promise<void>) => () => {
    if (document.visibilityState === "visible") read().catch(report);
  };
  const timers = [
    window.setInterval(refresh(refreshTable), TABLE_MS),
    window.setInterval(refresh(refreshDetail), DETAIL_MS),
  ];
  refresh(refreshTable)();
  const stopFollowing = place.subscribe(refresh(refreshDetail));
  refresh(refreshDetail)();
  return () => {
    for (const timer of timers) window.clearInterval(timer);
    stopFollowing();
  };
}

export async function refreshTable(): Promise<void> {
  const { runs: entries, metrics } = await listRuns();
  runs.set({ entries, metrics, isLoaded: true });
}

/** Reads the shown run; one that has finished is read only once. */
export async function refreshDetail(): Promise<void> {
  const path = place.get().run;
  const shown = runs.get().detail;
  if (path === null) {
    if (shown !== null) runs.set({ detail: null });
    return;
  }
  if (shown?.path === path && shown.state === "finished") return;
  const detail = await readRun(path);
  if (place.get().run === path) runs.set({ detail });
}

/** Reads everything after a run has been started, stopped or resumed. */
export async function refreshRuns(): Promise<void> {
  await Promise.all([refreshTable(), refreshDetail()]);
}
