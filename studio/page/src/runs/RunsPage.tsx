import { useEffect } from "preact/hooks";
import { place, showRuns } from "../shell/navigation";
import { useStore } from "../store";
import { RunTable } from "./RunTable";
import { RunView } from "./RunView";
import { StartedProcess } from "./StartedProcess";
import { openStartRun } from "./StartRunDialog";
import { runs, watchRuns } from "./runs";

/** All runs of the folder, and the one that is chosen. */
export function RunsPage() {
  useEffect(() => watchRuns(), []);
  const path = useStore(place, (value) => value.run);
  const detail = useStore(runs, (value) => value.detail);
  return (
    <main class={path === null ? "runs" : "runs with-run"}>
      <section class="pane run-list" aria-label="Table of runs">
        <div class="bar-of-pane">
          <h2>Runs</h2>
          <button type="button" class="primary" onClick={() => openStartRun(null)}>
            Start run…
          </button>
        </div>
        <StartedProcess />
        <RunTable shown={path} />
      </section>
      {path !== null && (
        <section class="pane run-pane" aria-label={`Run ${path}`}>
          <div class="bar-of-pane">
            <h2 class="file-name">{path}</h2>
            <button type="button" onClick={showRuns}>
              Close
            </button>
          </div>
          {detail?.path === path ? <RunView run={detail} /> : <p class="empty">Loading run…</p>}
        </section>
      )}
    </main>
  );
}
