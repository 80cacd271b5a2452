import type { Drawing, NetworkFacts } from "../api/types";
import { type Cost, leafBars } from "../network/costs";
import { NetworkDrawing } from "../network/NetworkDrawing";

interface NetworkSideProps {
  title: string;
  network: NetworkFacts;
  drawing: Drawing | null;
  cost: Cost;
}

/** One of the two networks. */
export function NetworkSide({ title, network, drawing, cost }: NetworkSideProps) {
  return (
    <section class="compare-side" aria-label={title}>
      <h2>
        {network.name} <span class="faint">{title}</span>
      </h2>
      {drawing !== null && <NetworkDrawing drawing={drawing} bars={leafBars(network.layers, cost)} />}
    </section>
  );
}
