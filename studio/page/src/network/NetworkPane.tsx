import { useEffect, useRef, useState } from "preact/hooks";
import { editing } from "../editing";
import { goTo } from "../editor/view";
import { useStore } from "../store";
import { watchColumns } from "./columns";
import { CostBars, CostChoice } from "./CostBars";
import { type Cost, leafBars } from "./costs";
import { NetworkDrawing } from "./NetworkDrawing";
import { ReceptiveField } from "./ReceptiveField";
import { Totals } from "./Totals";

/** The network of the open file: totals, drawing, costs of each layer, receptive field. */
export function NetworkPane() {
  const network = useStore(editing, (value) => value.network);
  const drawing = useStore(editing, (value) => value.drawing);
  const isOutdated = useStore(editing, (value) => value.isOutdated);
  const selected = useStore(editing, (value) => value.selected);
  const [cost, setCost] = useState<Cost>("num_parameters");
  const pane = useRef<HTMLDivElement>(null);
  useEffect(() => (pane.current === null ? undefined : watchColumns(pane.current)), []);
  const select = (path: string) => {
    const layer = network?.layers.find((one) => one.path === path);
    if (layer !== undefined && !isOutdated) goTo(layer.start + 1);
  };
  return (
    <div ref={pane} class={isOutdated ? "network-pane outdated" : "network-pane"}>
      {isOutdated && (
        <p class="outdated-note" role="status">
          Outdated: this is the network of the last valid text. The current text has errors.
        </p>
      )}
      {network === null ? (
        <p class="empty">No network yet. It appears as soon as the text is valid.</p>
      ) : (
        <>
          <Totals network={network} />
          <CostChoice cost={cost} onChoose={setCost} />
          {drawing !== null && (
            <NetworkDrawing
              drawing={drawing}
              bars={leafBars(network.layers, cost)}
              selected={selected}
              onSelect={select}
            />
          )}
          <ReceptiveField network={network} selected={selected} />
          <CostBars network={network} cost={cost} selected={selected} onSelect={select} />
        </>
      )}
    </div>
  );
}
