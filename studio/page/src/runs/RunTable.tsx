import { useState } from "preact/hooks";
import type { MetricInfo, RunEntry, RunState, SetName } from "../api/types";
import { counted, metricText } from "../format";
import { showRun } from "../shell/navigation";
import { useStore } from "../store";
import { runs } from "./runs";
import { StateLabel } from "./StateLabel";
import { type Order, ordered } from "./run_order";
import { Scroll } from "../shell/Scroll";

const STATES: readonly RunState[] = ["running", "finished", "interrupted", "failed"];

/** The runs that match the filters, sorted by a column. */
export function RunTable({ shown }: { shown: string | null }) {
  const { entries, metrics, isLoaded } = useStore(runs, (value) => value);
  const [text, setText] = useState("");
  const [state, setState] = useState<RunState | "">("");
  const [setName, setSetName] = useState<SetName>("test");
  const [order, setOrder] = useState<Order>({ key: "started", isDescending: true });
  const matching = entries.filter((run) => isMatch(run, text, state));
  const columns = shown === null ? metrics : metrics.slice(0, 2);
  return (
    <>
      <div class="filters" role="search" aria-label="Filter the runs">
        <input
          type="search"
          placeholder="Name, architecture or data"
          aria-label="Filter by name, architecture or data"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <select
          aria-label="State"
          value={state}
          onChange={({ currentTarget }) => setState(currentTarget.value as RunState | "")}
        >
          <option value="">all states</option>
          {STATES.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label="Results on"
          value={setName}
          onChange={({ currentTarget }) => setSetName(currentTarget.value as SetName)}
        >
          <option value="test">test set</option>
          <option value="validation">validation set</option>
        </select>
        <span class="faint" role="status">
          {matching.length === entries.length ? "" : `${matching.length} of `}
          {counted(entries.length, "run")}
        </span>
      </div>
      {isLoaded && entries.length === 0 && <p class="empty">No runs in this folder yet.</p>}
      {entries.length > 0 && (
        <Scroll label="Runs">
          <table class="run-table">
            <thead>
              <tr>
                <SortHeader title="Run" name="name" order={order} onSort={setOrder} />
                <SortHeader title="State" name="state" order={order} onSort={setOrder} />
                {shown === null && <SortHeader title="Data" name="data" order={order} onSort={setOrder} />}
                <SortHeader title="Started" name="started" order={order} onSort={setOrder} />
                {columns.map((metric) => (
                  <SortHeader key={metric.name} title={metric.label} name={metric.name} order={order} onSort={setOrder} isNumber />
                ))}
              </tr>
            </thead>
            <tbody>
              {ordered(matching, order, setName).map((run) => (
                <RunRow key={run.path} run={run} metrics={columns} setName={setName} isShown={run.path === shown} isWide={shown === null} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}

function isMatch(run: RunEntry, text: string, state: RunState | ""): boolean {
  const searched = `${run.name} ${run.arch} ${run.data} ${run.experiment} ${run.tags.join(" ")} ${run.note}`.toLowerCase();
  return (state === "" || run.state === state) && searched.includes(text.toLowerCase());
}

interface SortHeaderProps {
  title: string;
  name: string;
  order: Order;
  onSort: (order: Order) => void;
  isNumber?: boolean;
}

function SortHeader({ title, name, order, onSort, isNumber = false }: SortHeaderProps) {
  const isSorted = order.key === name;
  const direction = order.isDescending ? "descending" : "ascending";
  const next = isSorted ? !order.isDescending : isNumber || name === "started";
  return (
    <th scope="col" class={isNumber ? "num" : ""} aria-sort={isSorted ? direction : "none"}>
      <button type="button" class="plain" onClick={() => onSort({ key: name, isDescending: next })}>
        {title} <span aria-hidden="true">{isSorted ? (order.isDescending ? "▾" : "▴") : ""}</span>
      </button>
    </th>
  );
}

interface RunRowProps {
  run: RunEntry;
  metrics: readonly MetricInfo[];
  setName: SetName;
  isShown: boolean;
  isWide: boolean;
}

function RunRow({ run, metrics, setName, isShown, isWide }: RunRowProps) {
  return (
    <tr class={isShown ? "selected" : ""}>
      <th scope="row">
        <button type="button" class="plain run-name" onClick={() => showRun(run.path)} aria-current={isShown ? "true" : undefined}>
          {run.name}
        </button>
        {run.arch !== "" && !run.name.endsWith(run.arch) && <span class="faint"> {run.arch}</span>}
        {run.tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        {run.note !== "" && <span class="run-detail">{run.note}</span>}
        {run.detail !== "" && <span class="run-detail">{run.detail}</span>}
      </th>
      <td>
        <StateLabel state={run.state} />
      </td>
      {isWide && <td>{run.data}</td>}
      <td class="when">{new Date(run.started).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}</td>
      {metrics.map(({ name }) => (
        <td key={name} class="num">
          {metricText(run.metrics[setName]?.[name])}
        </td>
      ))}
    </tr>
  );
}
