import { openReport, resumeRun, stopRun } from "../api/endpoints";
import type { RunDetail } from "../api/types";
import { durationText, metricText } from "../format";
import { announce, report } from "../shell/notices";
import { ConfusionMatrix } from "./ConfusionMatrix";
import { Curve } from "./Curve";
import { StateLabel } from "./StateLabel";
import { charts, metricName } from "./chart";
import { refreshRuns } from "./runs";

const SETS = [
  { name: "test", title: "Confusion matrix of the test set" },
  { name: "validation", title: "Confusion matrix of the validation set" },
] as const;

/** One run as it proceeds: time left, curves, confusion matrix, log. */
export function RunView({ run }: { run: RunDetail }) {
  return (
    <div class="run-view">
      <Progress run={run} />
      <Actions run={run} />
      {run.detail !== "" && <p class="caution">{run.detail}</p>}
      <div class="curves">
        {charts(run.history).map((chart) => (
          <Curve
            key={chart.metric}
            chart={chart}
            numEpochs={run.max_epochs ?? run.num_epochs}
            keptEpoch={run.kept_epoch}
            isRunning={run.state === "running"}
          />
        ))}
      </div>
      <div class="matrices">
        {SETS.map(({ name, title }) => {
          const matrix = run.confusion_matrices[name];
          return matrix && <ConfusionMatrix key={name} title={title} classes={run.classes} matrix={matrix} />;
        })}
      </div>
      <Log lines={run.log} owner={run.owner} isOpen={run.state !== "finished"} />
    </div>
  );
}

function Progress({ run }: { run: RunDetail }) {
  const { num_epochs: done, max_epochs: total, seconds_left: left, kept_epoch: kept } = run;
  return (
    <div class="progress">
      <p role="status">
        <StateLabel state={run.state} />
        {run.arch !== "" && ` · ${run.arch}`}
        {run.data !== "" && ` on ${run.data}`}
        {total !== null && ` · epoch ${done} of at most ${total}`}
        {kept !== null && run.best_metric !== null && ` · best epoch ${kept} (${bestText(run)})`}
        {left !== null && <b> · at most {durationText(Math.ceil(left))} left</b>}
      </p>
      {run.ending !== "" && <p class="note">{run.ending}</p>}
      {total !== null && run.state !== "finished" && <progress max={total} value={done} aria-label="Epochs" />}
    </div>
  );
}

function bestText({ best_metric: metric, best_value: value }: RunDetail): string {
  return `${metricName(metric ?? "")} ${metricText(value)}`;
}

function Actions({ run }: { run: RunDetail }) {
  const act = (action: (path: string) => Promise<unknown>, done: string) =>
    action(run.path)
      .then(() => announce(done))
      .then(refreshRuns)
      .catch(report);
  return (
    <div class="buttons">
      {run.can_stop && (
        <button type="button" onClick={() => act(stopRun, `${run.name} stops after the current step. You can resume it later.`)}>
          Stop
        </button>
      )}
      {run.can_resume && (
        <button type="button" class="primary" onClick={() => act(resumeRun, `${run.name} is resuming.`)}>
          Resume
        </button>
      )}
      {run.has_report && (
        <button type="button" onClick={() => showReport(run.path)}>
          Open report
        </button>
      )}
    </div>
  );
}

/** Opens a report in a new tab, which must be created before the answer for the browser to allow it. */
function showReport(path: string): void {
  const tab = window.open("about:blank", "_blank");
  openReport(path).then(
    ({ address }) => {
      if (tab !== null) tab.location.href = new URL(address, location.origin).href;
    },
    (error: unknown) => {
      tab?.close();
      report(error);
    },
  );
}

interface LogProps {
  lines: readonly string[];
  owner: string | null;
  isOpen: boolean;
}

function Log({ lines, owner, isOpen }: LogProps) {
  if (lines.length === 0) return null;
  return (
    <details class="log" open={isOpen}>
      <summary>Last lines of the log</summary>
      <pre tabIndex={0} aria-label="Last lines of the log">
        {lines.join("\n")}
      </pre>
      {owner !== null && <p class="note">Written by {owner}.</p>}
    </details>
  );
}
