import { room } from "../analysis";

/** A little less than the width of a column: a wide row is drawn smaller. */
const COLUMN_PIXELS = 95;
const PADDING_PIXELS = 26;

/** The number of blocks that fit a pane next to each other.
 *
 * @param width Width of the pane in pixels.
 */
function columnsFor(width: number): number {
  return Math.max(2, Math.min(20, Math.floor((width - PADDING_PIXELS) / COLUMN_PIXELS)));
}

/** Draws as many blocks in a row as fit an element, or one of several equal parts of it; returns how to end this. */
export function watchColumns(element: HTMLElement, parts = 1): () => void {
  const observer = new ResizeObserver(() => {
    const columns = columnsFor(element.clientWidth / parts);
    if (columns !== room.get().columns) room.set({ columns });
  });
  observer.observe(element);
  return () => observer.disconnect();
}
