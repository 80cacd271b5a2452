import { save } from "../editing";
import { formatDocument } from "../editor/EditorBar";
import { fixAtCursor, focusEditor } from "../editor/view";
import { openNewFile } from "../files/NewFileDialog";
import { announce, report } from "./notices";
import { type Pane, place, showComparison, showEditor, showRuns } from "./navigation";
import { openShortcuts } from "./ShortcutsDialog";

const PANES: readonly Pane[] = ["files", "text", "network"];

/** Reacts to the shortcuts of `SHORTCUTS`, wherever the focus is. */
export function listenToKeys(): void {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
    const action = actionOf(event);
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}

function actionOf(event: KeyboardEvent): (() => void) | undefined {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) return controlAction(key.toLowerCase());
  if (event.altKey) return altAction(event.code, event.shiftKey);
  if (key === "F6") return () => goToPane(nextPane(event.shiftKey ? -1 : 1));
  if (isTyping(event.target)) return undefined;
  if (key === "?") return openShortcuts;
  if (key === "/") return focusFilter;
  return undefined;
}

function controlAction(key: string): (() => void) | undefined {
  const pane = PANES[Number(key) - 1];
  if (pane !== undefined) return () => goToPane(pane);
  if (key === "s") return () => save().catch(report);
  if (key === ".") return () => fixAtCursor() || announce("No fix is available on this line.");
  return undefined;
}

/** `code` names the key, which Alt turns into other letters on a Mac. */
function altAction(code: string, isShifted: boolean): (() => void) | undefined {
  if (isShifted) return code === "KeyF" ? () => void formatDocument() : undefined;
  return { KeyE: showEditor, KeyC: showComparison, KeyR: showRuns, KeyN: openNewFile }[code];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function focusFilter(): void {
  place.set({ pane: "files" });
  document.getElementById("file-filter")?.focus();
}

function nextPane(step: number): Pane {
  const active = PANES.findIndex((pane) => document.getElementById(`pane-${pane}`)?.contains(document.activeElement));
  return PANES[(active + step + PANES.length) % PANES.length] ?? "text";
}

/** Puts the focus into a pane: in the editor at the cursor, else on the first control. */
function goToPane(pane: Pane): void {
  showEditor();
  place.set({ pane });
  requestAnimationFrame(() => {
    if (pane === "text") focusEditor();
    else firstControl(document.getElementById(`pane-${pane}`))?.focus();
  });
}

function firstControl(pane: HTMLElement | null): HTMLElement | null {
  return pane?.querySelector<HTMLElement>("[aria-current], [aria-pressed=true], input, button, [tabindex='0']") ?? pane;
}
