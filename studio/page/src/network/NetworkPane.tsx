import { useEffect, useRef } from "preact/hooks";
import { room } from "../analysis";
import { editing } from "../editing";
import { goTo } from "../editor/view";
import { useStore } from "../store";
import { layoutFor } from "./layout";
import { CostBars } from "./CostBars";
import { NetworkDrawing } from "./NetworkDrawing";
import { ReceptiveField } from "./ReceptiveField";
import { Totals } from "./Totals";

/** The network of the open file: totals, drawing, costs of each layer, receptive field. */
export function NetworkPane() {
  const network = useStore(editing, (value) => value.network);
  const drawing = useStore(editing, (value) => value.drawing);
  const isOutdated = useStore(editing, (value) => value.isOutdated);
  const selected = useStore(editing, (value) => value.selected);
  const pane = useRef<HTMLDivElement>(null);
  useEffect(() => (pane.current === null ? undefined : watchWidth(pane.current)), []);
  const select = (path: string) => {
    const layer = network?.layers.find((one) => one.path === path);
    if (layer !== undefined && !isOutdated) goTo(layer.start + 1);
  };
  return (
    <div ref={pane} class={isOutdated ? "network-pane outdated" : "network-pane"}>
      {isOutdated && (
        <p class="outdated-note" role="status">
          Outdated: the last valid text. The present text has errors.
        </p>
      )}
      {network === null ? (
        <p class="empty">No network yet. It is drawn as soon as the text is valid.</p>
      ) : (
        <>
          <Totals network={network} />
          {drawing !== null && <NetworkDrawing drawing={drawing} selected={selected} onSelect={select} />}
          <CostBars network={network} selected={selected} onSelect={select} />
          <ReceptiveField network={network} selected={selected} />
        </>
      )}
    </div>
  );
}

/** Chooses the drawing that fits the width of the pane. */
function watchWidth(pane: HTMLElement): () => void {
  const observer = new ResizeObserver(() => {
    const layout = layoutFor(pane.clientWidth);
    if (layout !== room.get().layout) room.set({ layout });
  });
  observer.observe(pane);
  return () => observer.disconnect();
}
