import type { Extension } from "@codemirror/state";
import { hoverTooltip } from "@codemirror/view";
import { hover } from "../api/endpoints";
import { renderMarkdown } from "./markdown";

/** The schema's explanation of the key or value under the pointer. */
export function hoverTexts(path: string): Extension {
  return hoverTooltip(async (view, position) => {
    const answer = await hover({ path, text: view.state.doc.toString() }, position).catch(() => null);
    const found = answer?.hover;
    if (!found || found.end > view.state.doc.length) return null;
    return {
      pos: found.start,
      end: found.end,
      above: true,
      create() {
        const dom = renderMarkdown(found.markdown);
        dom.className = "cm-hover";
        return { dom };
      },
    };
  });
}
