import { RangeSetBuilder } from "@codemirror/state";
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

const EXTRA_COLUMNS = 4;

/** Indents the continuation of a wrapped line more than its beginning, so that the structure stays visible. */
export const hangingIndent = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = indents(view);
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged) this.decorations = indents(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function indents(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to } of view.visibleRanges) {
    for (let position = from; position <= to; ) {
      const line = view.state.doc.lineAt(position);
      const columns = (/^ */.exec(line.text)?.[0].length ?? 0) + EXTRA_COLUMNS;
      builder.add(line.from, line.from, Decoration.line({ attributes: { style: `--indent: ${columns}ch` } }));
      position = line.to + 1;
    }
  }
  return builder.finish();
}
