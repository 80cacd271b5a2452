import type { ExperimentAnswer } from "../api/types";
import { Scroll } from "../shell/Scroll";

/** What each "auto" of a run becomes, and why. */
export function AutoTable({ run }: { run: ExperimentAnswer["runs"][number] }) {
  return (
    <section class="auto">
      <h3>
        {run.arch} {run.name !== run.arch && <span class="faint">{run.name}</span>}
      </h3>
      <p class="note">
        {run.epochs} epochs at most, batches of {run.batch_size}
      </p>
      {run.warnings.map((warning) => (
        <p key={warning} class="caution">
          {warning}
        </p>
      ))}
      {run.auto.length === 0 ? (
        <p class="note">No option is “auto”.</p>
      ) : (
        <Scroll label="Automatic options">
          <table>
            <thead>
              <tr>
                <th scope="col">“auto” option</th>
                <th scope="col">Becomes</th>
                <th scope="col">Because</th>
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
