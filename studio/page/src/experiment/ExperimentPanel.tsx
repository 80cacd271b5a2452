import { useState } from "preact/hooks";
import { type DataChoice, measureDuration, resolveExperiment } from "../api/endpoints";
import type { DurationAnswer, ExperimentAnswer } from "../api/types";
import { editing } from "../editing";
import { openStartRun } from "../runs/StartRunDialog";
import { showRuns } from "../shell/navigation";
import { useStore } from "../store";
import { AutoTable } from "./AutoTable";
import { DurationTable } from "./DurationTable";
import { SetTable } from "./SetTable";

interface Resolved {
  text: string;
  answer: ExperimentAnswer;
}

/** An experiment resolved on its data: the values of "auto", the sets, the expected time. */
export function ExperimentPanel() {
  const document = useStore(editing, (value) => value.document);
  const [data, setData] = useState("");
  const [root, setRoot] = useState("");
  const [resolved, setResolved] = useState<Resolved | null>(null);
  const [duration, setDuration] = useState<DurationAnswer | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState("");
  if (document === null) return null;
  const source = { path: document.path, text: document.text };
  const choice: DataChoice = { ...(data === "" ? {} : { data }), ...(root === "" ? {} : { root }) };
  const ask = async (what: string, question: () => Promise<void>) => {
    setBusy(what);
    setProblem("");
    try {
      await question();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy("");
  };
  const resolve = () =>
    ask("Reading data set…", async () => {
      setDuration(null);
      setResolved({ text: source.text, answer: await resolveExperiment(source, choice) });
    });
  const measure = () =>
    ask("Measuring training steps…", async () => setDuration(await measureDuration(source, choice)));
  return (
    <div class="experiment-pane">
      <p class="note">Read the data set to see the values of “auto” options and the split. Measure a few training steps to estimate the time.</p>
      <div class="field-pair">
        <label class="field">
          Data set
          <input value={data} placeholder="as in the experiment" onInput={({ currentTarget }) => setData(currentTarget.value)} />
        </label>
        <label class="field">
          Folder or file
          <input value={root} placeholder="as in the experiment" onInput={({ currentTarget }) => setRoot(currentTarget.value)} />
        </label>
      </div>
      <div class="buttons">
        <button type="button" class="primary" disabled={busy !== ""} onClick={resolve}>
          Read data set
        </button>
        <button type="button" disabled={busy !== ""} onClick={measure}>
          Estimate training time
        </button>
        <button
          type="button"
          onClick={() => {
            showRuns();
            openStartRun(document.path);
          }}
        >
          Start run…
        </button>
      </div>
      <p role="status" class="note">
        {busy}
      </p>
      {problem !== "" && (
        <p class="caution" role="alert">
          {problem}
        </p>
      )}
      {resolved !== null && resolved.text !== document.text && (
        <p class="outdated-note">Outdated: the text has changed since the data set was read.</p>
      )}
      {duration !== null && <DurationTable duration={duration} />}
      {resolved !== null && <ExperimentFacts answer={resolved.answer} />}
    </div>
  );
}

function ExperimentFacts({ answer }: { answer: ExperimentAnswer }) {
  return (
    <>
      {answer.problem !== null && <p class="caution">{answer.problem}</p>}
      {answer.ignored.length > 0 && <p class="note">Options that do not apply to this data set: {answer.ignored.join(", ")}.</p>}
      <SetTable data={answer.data} sets={answer.sets} />
      {answer.split_reason !== null && <p class="note">{answer.split_reason}</p>}
      {answer.expected_recall !== null && <p class="note">{answer.expected_recall}</p>}
      {answer.runs.map((run) => (
        <AutoTable key={run.name} run={run} />
      ))}
    </>
  );
}
