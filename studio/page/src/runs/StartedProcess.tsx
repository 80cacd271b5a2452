import { useStore } from "../store";
import { forgetProcess, started } from "./processes";

/** The messages of a process before its run has a folder, or why it has ended. */
export function StartedProcess() {
  const process = useStore(started, (value) => value.process);
  if (process === null) return null;
  const hasFailed = !process.is_running && process.exit_code !== 0;
  return (
    <section class={hasFailed ? "caution started" : "started"} aria-label="Started run">
      <p role="status">
        <b>{hasFailed ? "The run could not start." : "The run is being prepared."}</b> <code>{process.command}</code>
      </p>
      <pre tabIndex={0} aria-label="Messages">
        {process.output.join("\n")}
      </pre>
      {hasFailed && (
        <button type="button" onClick={forgetProcess}>
          Dismiss
        </button>
      )}
    </section>
  );
}
