import { editing } from "../editing";
import { NetworkPane } from "../network/NetworkPane";
import { useStore } from "../store";

/** What the open file means: a network, an experiment or a sweep. */
export function RightPane() {
  const isOpen = useStore(editing, ({ document }) => document !== null);
  if (!isOpen) return <p class="empty">The network of the open file appears here.</p>;
  return <NetworkPane />;
}
