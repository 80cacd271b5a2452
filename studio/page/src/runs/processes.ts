import { listProcesses } from "../api/endpoints";
import type { RunEntry, RunProcess, RunState } from "../api/types";
import { place, showRun, showRuns } from "../shell/navigation";
import { report } from "../shell/notices";
import { createStore } from "../store";
import { refreshTable, runs } from "./runs";

/** The process that was started last, until its run is shown. */
export const started = createStore<{ process: RunProcess | null }>({ process: null });

const POLL_MS = 1000;

/** Shows the messages of a new process, and then the run that it makes. */
export function followProcess(process: RunProcess): void {
  const known = new Map(runs.get().entries.map(({ path, state }) => [path, state]));
  showRuns();
  started.set({ process });
  const timer = window.setInterval(() => {
    look(process, known)
      .then((isOver) => isOver && window.clearInterval(timer))
      .catch(report);
  }, POLL_MS);
}

/** Looks for the run of a process; true if there is nothing more to wait for. */
async function look({ id }: RunProcess, known: ReadonlyMap<string, RunState>): Promise<boolean> {
  const { processes } = await listProcesses();
  const process = processes.find((one) => one.id === id);
  if (process === undefined || started.get().process?.id !== id) return true;
  started.set({ process });
  await refreshTable();
  const found = runs.get().entries.find((run) => isNew(run, known));
  if (found !== undefined && place.get().run === null) showRun(found.path);
  if (found !== undefined || process.exit_code === 0) started.set({ process: null });
  return found !== undefined || !process.is_running;
}

function isNew({ path, state }: RunEntry, known: ReadonlyMap<string, RunState>): boolean {
  const before = known.get(path);
  return before === undefined || (state === "running" && before !== "running");
}

export function forgetProcess(): void {
  started.set({ process: null });
}
