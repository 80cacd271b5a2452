import type { LayerFacts, NetworkFacts } from "../api/types";
import { shapeText } from "../format";
import { COSTS, type Cost } from "./costs";

interface CostChoiceProps {
  cost: Cost;
  onChoose: (cost: Cost) => void;
}

/** Chooses the cost that the bars show. */
export function CostChoice({ cost, onChoose }: CostChoiceProps) {
  return (
    <div class="choice" role="group" aria-label="Cost shown by the bars">
      {(Object.keys(COSTS) as Cost[]).map((name) => (
        <button key={name} type="button" aria-pressed={name === cost} onClick={() => onChoose(name)}>
          {COSTS[name].label}
        </button>
      ))}
    </div>
  );
}

interface CostBarsProps {
  network: NetworkFacts;
  cost: Cost;
  selected: string | null;
  onSelect: (path: string) => void;
}

/** A bar per layer for one of its costs, with everything inside the layer. */
export function CostBars({ network, cost, selected, onSelect }: CostBarsProps) {
  const { label, text } = COSTS[cost];
  const largest = Math.max(1, ...network.layers.map((layer) => layer[cost]));
  return (
    <table class="bars">
      <caption class="unseen">Layers</caption>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col" class="num">
            Output
          </th>
          <th scope="col">{label}</th>
        </tr>
      </thead>
      <tbody>
        {network.layers.map((layer) => (
          <tr key={layer.path} class={layer.path === selected ? "selected" : ""}>
            <th scope="row" style={{ paddingLeft: `${depthOf(layer, network.layers) * 1.1}rem` }}>
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
  );
}

/** Number of layers around a layer. */
function depthOf({ path }: LayerFacts, layers: readonly LayerFacts[]): number {
  return layers.filter((layer) => path.startsWith(`${layer.path}.`)).length;
}
