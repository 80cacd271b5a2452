import { exactCount } from "../format";
import { Scroll } from "../shell/Scroll";

interface ConfusionMatrixProps {
  title: string;
  classes: readonly string[];
  matrix: readonly (readonly number[])[];
}

/** Counts of true and predicted classes; the diagonal holds the correct predictions. */
export function ConfusionMatrix({ title, classes, matrix }: ConfusionMatrixProps) {
  return (
    <Scroll label={title}>
      <table class="matrix">
        <caption>{title}</caption>
        <thead>
          <tr>
            <td />
            {classes.map((name) => (
              <th key={name} scope="col">
                predicted <b>{name}</b>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.map((row, truth) => (
            <tr key={classes[truth]}>
              <th scope="row">
                true <b>{classes[truth]}</b>
              </th>
              {row.map((count, prediction) => (
                <Cell key={prediction} count={count} isRight={truth === prediction} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Cell({ count, isRight, row }: { count: number; isRight: boolean; row: readonly number[] }) {
  const total = row.reduce((sum, one) => sum + one, 0);
  const share = total === 0 ? 0 : count / total;
  return (
    <td class={isRight ? "cell right" : "cell"} style={{ "--share": String(share) }}>
      <b>{exactCount(count)}</b>
      <small>{(100 * share).toFixed(0)}%</small>
    </td>
  );
}
