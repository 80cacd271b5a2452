import type { LayerFacts } from "../api/types";
import { exactCount, memoryText, shortCount } from "../format";

/** A cost of a layer, with everything inside it. */
export type Cost = "num_parameters" | "num_macs" | "memory_bytes";

interface CostText {
  label: string;
  text: (value: number) => string;
  /** Short, with its unit, below a block. */
  short: (value: number) => string;
}

export const COSTS: Record<Cost, CostText> = {
  num_parameters: { label: "Parameters", text: exactCount, short: (value) => `${shortCount(value)} params` },
  num_macs: { label: "Multiply-adds", text: shortCount, short: (value) => `${shortCount(value)} mult-adds` },
  memory_bytes: { label: "Memory per case", text: memoryText, short: memoryText },
};

/** A layer's cost for its bar; the bar of 1 is that of the most expensive layer without inner layers. */
export interface Bar {
  text: string;
  share: number;
}

/** The bars of all layers that contain no others, so that their costs do not overlap, and that cost anything. */
export function leafBars(layers: readonly LayerFacts[], cost: Cost): Map<string, Bar> {
  const leaves = layers.filter((layer) => layer[cost] > 0 && !isAround(layer, layers));
  const largest = Math.max(1, ...leaves.map((layer) => layer[cost]));
  return new Map(
    leaves.map((layer) => [layer.path, { text: COSTS[cost].short(layer[cost]), share: layer[cost] / largest }]),
  );
}

function isAround(outer: LayerFacts, layers: readonly LayerFacts[]): boolean {
  return layers.some(({ path }) => path.startsWith(`${outer.path}.`));
}
