import type { Layout } from "../api/types";

/** The widest drawing for which there is room.
 *
 * @param width Width of the pane in pixels.
 */
export function layoutFor(width: number): Layout {
  if (width >= 1020) return "wide";
  return width >= 720 ? "medium" : "narrow";
}
