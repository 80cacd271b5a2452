import type { CaseCounts, ExperimentAnswer } from "../api/types";
import { exactCount, shapeText } from "../format";
import { Scroll } from "../shell/Scroll";

const SETS: readonly [string, string][] = [
  ["train", "training"],
  ["validation", "validation"],
  ["test", "test"],
];

/** Sizes of the data set and of the sets of the split. */
export function SetTable({ data, sets }: { data: ExperimentAnswer["data"]; sets: ExperimentAnswer["sets"] }) {
  const classes = Object.keys(data.classes);
  return (
    <Scroll label="Sets">
      <table class="sets">
        <caption>
          {data.name}
          {data.root !== null && <span class="faint"> {data.root}</span>}, crops of {shapeText(data.shape)}
        </caption>
        <thead>
          <tr>
            <th scope="col">Set</th>
            <th scope="col" class="num">
              Cases
            </th>
            <th scope="col" class="num">
              Groups
            </th>
            {classes.map((name) => (
              <th key={name} scope="col" class="num">
                {name}
                {name === data.positive && " (positive)"}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {SETS.map(([key, title]) => {
            const counts = sets[key];
            return counts && <CountRow key={key} title={title} counts={counts} classes={classes} />;
          })}
          <CountRow title="all" counts={data} classes={classes} />
        </tbody>
      </table>
    </Scroll>
  );
}

interface CountRowProps {
  title: string;
  counts: CaseCounts;
  classes: readonly string[];
}

function CountRow({ title, counts, classes }: CountRowProps) {
  return (
    <tr>
      <th scope="row">{title}</th>
      <td class="num">{exactCount(counts.cases)}</td>
      <td class="num">{exactCount(counts.groups)}</td>
      {classes.map((name) => (
        <td key={name} class="num">
          {exactCount(counts.classes[name] ?? 0)}
        </td>
      ))}
    </tr>
  );
}
