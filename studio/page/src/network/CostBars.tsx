import { useState } from "preact/hooks";
import type { LayerFacts, NetworkFacts } from "../api/types";
import { exactCount, memoryText, shapeText, shortCount } from "../format";

type Cost = "num_parameters" | "num_macs" | "memory_bytes";

const COSTS: Record<Cost, { label: string; text: (value: number) => string }> = {
  num_parameters: { label: "Parameters", text: exactCount },
  num_macs: { label: "Multiply-adds", text: shortCount },
  memory_bytes: { label: "Memory per case", text: memoryText },
};

interface CostBarsProps {
  network: NetworkFacts;
  selected: string | null;
  onSelect: (path: string) => void;
}

/** A bar per layer for one of its costs. */
export function CostBars({ network, selected, onSelect }: CostBarsProps) {
  const [cost, setCost] = useState<Cost>("num_parameters");
  const { label, text } = COSTS[cost];
  const largest = Math.max(1, ...network.layers.map((layer) => layer[cost]));
  return (
    <section class="costs" aria-label="Costs of the layers">
      <div class="choice" role="group" aria-label="Cost">
        {(Object.keys(COSTS) as Cost[]).map((name) => (
          <button key={name} type="button" aria-pressed={name === cost} onClick={() => setCost(name)}>
            {COSTS[name].label}
          </button>
        ))}
      </div>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Output</th>
            <th scope="col">{label}</th>
          </tr>
        </thead>
        <tbody>
          {network.layers.map((layer) => (
            <tr key={layer.path} class={layer.path === selected ? "selected" : ""}>
              <th scope="row" style={{ paddingLeft: `${depthOf(layer) * 1.1}rem` }}>
                <button type="button" class="plain" onClick={() => onSelect(layer.path)}>
                  <b>{layer.type}</b> <span class="faint">{layer.summary}</span>
                </button>
              </th>
              <td class="num">{shapeText(layer.output_shape)}</td>
              <td class="bar-cell">
                <span class="bar-fill" style={{ width: `${(100 * layer[cost]) / largest}%` }} aria-hidden="true" />
                <span class="bar-text">{text(layer[cost])}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Number of layers around a layer: "$.layers[1].layers[0]" is inside one. */
function depthOf({ path }: LayerFacts): number {
  return Math.max(0, (path.match(/\.(layers|shortcut|branches\[\d+\])\[/g) ?? []).length - 1);
}
