import { editing } from "../editing";
import { ExperimentPanel } from "../experiment/ExperimentPanel";
import { SweepPanel } from "../experiment/SweepPanel";
import { NetworkPane } from "../network/NetworkPane";
import { useStore } from "../store";

/** The pane for the kind of the open file: a network, an experiment or a sweep. */
export function RightPane() {
  const path = useStore(editing, (value) => value.document?.path);
  const kind = useStore(editing, (value) => value.analysis?.kind);
  if (path === undefined) return <p class="empty">The network of the open file appears here.</p>;
  if (kind === "experiment") return <ExperimentPanel key={path} />;
  if (kind === "sweep") return <SweepPanel key={path} />;
  return <NetworkPane />;
}
