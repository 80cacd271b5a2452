import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { proposeTrials } from "../api/endpoints";
import type { SweepAnswer, Trial } from "../api/types";
import { editing, isUnsaved } from "../editing";
import { shortCount } from "../format";
import { useStore } from "../store";
import { sweepCommand } from "../session";
import { announce, report } from "../shell/notices";
import { Scroll } from "../shell/Scroll";

const NUM_TRIALS = 30;
const QUIET_MS = 400;

interface Proposal {
  text: string;
  answer: SweepAnswer;
}

/** The trials that a sweep would propose. */
export function SweepPanel() {
  const document = useStore(editing, (value) => value.document);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [problem, setProblem] = useState("");
  const path = document?.path ?? "";
  const text = document?.text ?? "";
  useEffect(() => {
    const controller = new AbortController();
    const timer = window.setTimeout(() => {
      proposeTrials({ path, text }, NUM_TRIALS, controller.signal).then(
        (answer) => {
          setProposal({ text, answer });
          setProblem("");
        },
        (error: unknown) => controller.signal.aborted || setProblem(error instanceof Error ? error.message : String(error)),
      );
    }, QUIET_MS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [path, text]);
  return (
    <div class="experiment-pane">
      {problem !== "" && (
        <p class="caution" role="alert">
          {problem}
        </p>
      )}
      {proposal !== null && proposal.text !== text && problem !== "" && <p class="outdated-note">Outdated: these are the trials of the last valid text.</p>}
      {proposal !== null && <Trials answer={proposal.answer} />}
      {proposal !== null && <StartHint command={sweepCommand(path)} isSaved={document !== null && !isUnsaved(document)} />}
    </div>
  );
}

/** Sweeps take hours and resources of their own, so that they are started from a terminal. */
function StartHint({ command, isSaved }: { command: string; isSaved: boolean }) {
  const copy = () => navigator.clipboard.writeText(command).then(() => announce("Copied the command."), report);
  return (
    <section class="start-hint" aria-label="Start the sweep">
      <p>Sweeps are started from a terminal{isSaved ? "" : ", after the file has been saved"}. The table of runs shows them.</p>
      <p class="command">
        <code>{command}</code>
        <button type="button" onClick={copy}>
          Copy
        </button>
      </p>
    </section>
  );
}

function Trials({ answer }: { answer: SweepAnswer }) {
  const { trials, keys } = answer;
  return (
    <>
      <p>
        <b>{answer.num_trials} trials</b>, {answer.search} search, ranked by {answer.metric}
        {answer.runs_per_trial > 1 && `, ${answer.runs_per_trial} runs each`}.
      </p>
      {answer.depends_on_results && <p class="note">Later trials depend on the results of earlier ones.</p>}
      <Scroll label="Trials">
        <table class="trials">
          <thead>
            <tr>
              <th scope="col" class="num">
                Trial
              </th>
              {keys.map((key) => (
                <th key={key} scope="col">
                  <KeyName name={key} />
                </th>
              ))}
              <th scope="col" class="num">
                Parameters
              </th>
              <th scope="col" class="num">
                Multiply-adds
              </th>
            </tr>
          </thead>
          <tbody>
            {trials.map((trial) => (
              <TrialRow key={trial.number} trial={trial} keys={keys} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {trials.length < answer.num_trials && <p class="note">Only the first {trials.length} trials are listed.</p>}
    </>
  );
}

function TrialRow({ trial, keys }: { trial: Trial; keys: readonly string[] }) {
  return (
    <tr>
      <th scope="row" class="num">
        {trial.number + 1}
      </th>
      {keys.map((key) => (
        <td key={key}>{valueText(trial.values[key])}</td>
      ))}
      <td class="num">{trial.parameters === null ? "–" : shortCount(trial.parameters)}</td>
      <td class="num">
        {trial.macs === null ? "–" : shortCount(trial.macs)}
        {trial.problem !== null && <span class="trial-problem">✕ {trial.problem}</span>}
      </td>
    </tr>
  );
}

/** A dotted key, which may be broken after each dot. */
function KeyName({ name }: { name: string }) {
  return (
    <code>
      {name.split(/(?<=\.)/).map((part) => (
        <Fragment key={part}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}

/** The name of an architecture, a number in four digits, or JSON. */
function valueText(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  if (typeof value === "string") return value.replace(/^.*\//, "").replace(/\.json$/, "");
  return value === undefined ? "" : JSON.stringify(value);
}
