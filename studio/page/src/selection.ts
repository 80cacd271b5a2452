import type { LayerFacts } from "./api/types";
import { editing } from "./editing";

/** The innermost layer whose text contains an offset. */
export function layerAt(layers: readonly LayerFacts[], offset: number): LayerFacts | undefined {
  return layers
    .filter(({ start, end }) => start <= offset && offset <= end)
    .reduce<LayerFacts | undefined>(
      (inner, layer) => (inner === undefined || layer.end - layer.start < inner.end - inner.start ? layer : inner),
      undefined,
    );
}

/** Records the offset of the cursor, and selects the layer there. */
export function moveCursor(offset: number): void {
  const { network, isOutdated, selected } = editing.get();
  const canSelect = network !== null && !isOutdated;
  const layer = canSelect ? (layerAt(network.layers, offset)?.path ?? null) : selected;
  editing.set({ cursor: offset, selected: layer });
}
