import { createStore } from "./store";

/** What the memory plan assumes. */
export interface PlanSettings {
  batchSize: number;
  /** Memory budget in GB; null for none. */
  budgetGb: number | null;
}

const KEY = "archnet.plan";

export const planSettings = createStore<PlanSettings>(stored());

export function changePlan(change: Partial<PlanSettings>): void {
  planSettings.set(change);
  localStorage.setItem(KEY, JSON.stringify(planSettings.get()));
}

function stored(): PlanSettings {
  const standard: PlanSettings = { batchSize: 64, budgetGb: 8 };
  try {
    return { ...standard, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<PlanSettings>) };
  } catch {
    return standard;
  }
}

export function budgetBytes({ budgetGb }: PlanSettings): number | null {
  return budgetGb === null ? null : Math.round(budgetGb * 1e9);
}
