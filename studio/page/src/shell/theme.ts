import { createStore } from "../store";

export type ThemeName = "system" | "light" | "dark";

const KEY = "archnet.theme";
const NAMES: readonly ThemeName[] = ["system", "light", "dark"];

export const theme = createStore<{ name: ThemeName }>({ name: "system" });

export function startTheme(): void {
  const stored = NAMES.find((name) => name === localStorage.getItem(KEY));
  applyTheme(stored ?? "system");
}

/** Changes to the next theme: system, light, dark. */
export function nextTheme(): void {
  applyTheme(NAMES[(NAMES.indexOf(theme.get().name) + 1) % NAMES.length] ?? "system");
}

function applyTheme(name: ThemeName): void {
  document.documentElement.dataset["theme"] = name;
  localStorage.setItem(KEY, name);
  theme.set({ name });
}
