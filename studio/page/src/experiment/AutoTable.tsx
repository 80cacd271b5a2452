import type { ExperimentAnswer } from "../api/types";
import { Scroll } from "../shell/Scroll";

/** The value of each "auto" option of a run, and the reason for it. */
export function AutoTable({ run }: { run: ExperimentAnswer["runs"][number] }) {
  return (
    <section class="auto">
      <h3>
        {run.arch} {run.name !== run.arch && <span class="faint">{run.name}</span>}
      </h3>
      <p class="note">
        At most {run.epochs} epochs, batch size {run.batch_size}
      </p>
      {run.warnings.map((warning) => (
        <p key={warning} class="caution">
          {warning}
        </p>
      ))}
      {run.auto.length === 0 ? (
        <p class="note">No option is set to “auto”.</p>
      ) : (
        <Scroll label="Automatic options">
          <table>
            <thead>
              <tr>
                <th scope="col">“auto” option</th>
                <th scope="col">Value</th>
                <th scope="col">Reason</th>
              </tr>
            </thead>
            <tbody>
              {run.auto.map(({ key, value, reason }) => (
                <tr key={key}>
                  <th scope="row">
                    <code>{key}</code>
                  </th>
                  <td>
                    <b>{value}</b>
                  </td>
                  <td>{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
