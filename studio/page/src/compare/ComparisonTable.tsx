import type { NetworkFacts } from "../api/types";
import { changeText, exactCount, memoryText, shapeText, shortCount } from "../format";
import { Scroll } from "../shell/Scroll";

interface Row {
  name: string;
  value: (network: NetworkFacts) => number;
  text: (value: number) => string;
}

const ROWS: readonly Row[] = [
  { name: "Parameters", value: (network) => network.num_parameters, text: exactCount },
  { name: "Multiply-adds per case", value: (network) => network.num_macs, text: shortCount },
  { name: "Peak training memory", value: (network) => network.memory.peak_bytes, text: memoryText },
  { name: "Cases per micro-batch", value: (network) => network.memory.micro_batch_size, text: exactCount },
  { name: "Layers", value: (network) => network.layers.length, text: exactCount },
];

/** Two networks in numbers, and by how much they differ. */
export function ComparisonTable({ left, right }: { left: NetworkFacts; right: NetworkFacts }) {
  return (
    <Scroll label="Comparison">
      <table class="comparison">
        <thead>
          <tr>
            <td />
            <th scope="col" class="num">
              {left.name}
            </th>
            <th scope="col" class="num">
              {right.name}
            </th>
            <th scope="col" class="num">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          <TextRow name="Input" left={shapeText(left.input_shape)} right={shapeText(right.input_shape)} />
          <TextRow name="Receptive field (voxels)" left={fieldText(left)} right={fieldText(right)} />
          {ROWS.map(({ name, value, text }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="num">{text(value(left))}</td>
              <td class="num">{text(value(right))}</td>
              <td class="num">{changeText(value(left), value(right))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function TextRow({ name, left, right }: { name: string; left: string; right: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="num">{left}</td>
      <td class="num">{right}</td>
      <td class="num">{left === right ? "same" : ""}</td>
    </tr>
  );
}

/** The receptive field of the last layer with spatial axes. */
function fieldText({ layers }: NetworkFacts): string {
  const field = layers.findLast((layer) => layer.receptive_field !== null)?.receptive_field;
  return field ? shapeText(field) : "–";
}
