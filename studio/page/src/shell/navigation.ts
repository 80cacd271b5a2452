import { editing, openFile } from "../editing";
import { createStore } from "../store";
import { report } from "./notices";

export type Page = "edit" | "compare" | "runs";
/** The panes of the editor; on a narrow screen, one of them is shown. */
export type Pane = "files" | "text" | "network";

/** What the page shows; the address keeps it, so that reloading and going back work. */
export interface Place {
  page: Page;
  /** The run that is shown. */
  run: string | null;
  pane: Pane;
}

export const place = createStore<Place>({ page: "edit", run: null, pane: "files" });

/** Follows the address: "#edit/archs/mine.json", "#compare/archs/mine.json", "#runs" or "#runs/mine/1". */
export function followAddress(): void {
  const follow = () => {
    const [page = "", ...rest] = decoded(location.hash.slice(1)).split("/");
    const name = rest.join("/");
    if (page === "runs") place.set({ page: "runs", run: name === "" ? null : name });
    else place.set({ page: page === "compare" ? "compare" : "edit" });
    if (page !== "runs" && name !== "" && editing.get().document?.path !== name) openFile(name).catch(report);
  };
  window.addEventListener("hashchange", follow);
  follow();
}

/** The text of an address; as it is if somebody has typed a "%" that encodes nothing. */
function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

export function showFile(path: string): void {
  place.set({ pane: "text" });
  goToHash(`edit/${path}`);
}

export function showEditor(): void {
  const path = editing.get().document?.path;
  goToHash(path === undefined ? "edit" : `edit/${path}`);
}

export function showComparison(): void {
  const path = editing.get().document?.path;
  goToHash(path === undefined ? "compare" : `compare/${path}`);
}

export function showRuns(): void {
  goToHash("runs");
}

export function showRun(name: string): void {
  goToHash(`runs/${name}`);
}

function goToHash(path: string): void {
  location.hash = path.split("/").map(encodeURIComponent).join("/");
}
