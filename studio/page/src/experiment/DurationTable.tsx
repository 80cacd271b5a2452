import type { DurationAnswer } from "../api/types";
import { durationText, exactCount } from "../format";
import { Scroll } from "../shell/Scroll";

/** Predicted time of all runs on this machine, from a few measured steps. */
export function DurationTable({ duration }: { duration: DurationAnswer }) {
  return (
    <Scroll label="Expected training time">
      <table>
        <caption>Expected training time on this machine: {durationText(duration.seconds)}, without early stopping</caption>
        <thead>
          <tr>
            <th scope="col">Architecture</th>
            <th scope="col" class="num">
              Runs
            </th>
            <th scope="col" class="num">
              Epochs
            </th>
            <th scope="col" class="num">
              Steps per epoch
            </th>
            <th scope="col" class="num">
              Per step
            </th>
            <th scope="col" class="num">
              Per run
            </th>
          </tr>
        </thead>
        <tbody>
          {duration.archs.map((row) => (
            <tr key={row.arch}>
              <th scope="row">{row.arch}</th>
              <td class="num">{row.num_runs}</td>
              <td class="num">{exactCount(row.epochs)}</td>
              <td class="num">{exactCount(row.steps_per_epoch)}</td>
              <td class="num">{(1000 * row.step_seconds).toFixed(0)} ms</td>
              <td class="num">{durationText(row.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
