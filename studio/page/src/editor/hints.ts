import { type EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { LayerFacts } from "../api/types";
import { exactCount } from "../format";

/** Shows the output shape and the parameters of each layer at the end of its line. */
export const setHints = StateEffect.define<readonly LayerFacts[]>();

class Hint extends WidgetType {
  constructor(readonly text: string) {
    super();
  }

  override eq(other: Hint): boolean {
    return other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const element = document.createElement("span");
    element.className = "cm-hint";
    element.textContent = this.text;
    return element;
  }
}

export const hints: Extension = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setHints)) return decorations(transaction.state, effect.value);
    }
    return shown.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** One hint per line: where several layers end on one line, that of the outermost. */
function decorations(state: EditorState, layers: readonly LayerFacts[]): DecorationSet {
  const lines = new Map<number, string>();
  for (const layer of layers) {
    const end = state.doc.lineAt(Math.min(layer.end, state.doc.length)).to;
    if (!lines.has(end)) lines.set(end, hintText(layer));
  }
  const widgets = [...lines].map(([end, text]) => Decoration.widget({ widget: new Hint(text), side: 1 }).range(end));
  return Decoration.set(widgets, true);
}

export function hintText(layer: LayerFacts): string {
  const weights = layer.num_parameters === 0 ? "" : ` · ${exactCount(layer.num_parameters)} parameters`;
  return `→ ${layer.output_shape.join("×")}${weights}`;
}
