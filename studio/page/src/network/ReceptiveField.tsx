import type { NetworkFacts } from "../api/types";

export function ReceptiveField(_: { network: NetworkFacts; selected: string | null }) {
  return null;
}
