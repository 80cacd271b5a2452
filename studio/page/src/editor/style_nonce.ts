import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/** Marks the styles that an editor writes into the page as allowed by the page's content security policy. */
export const styleNonce: Extension = EditorView.cspNonce.of(
  document.querySelector<HTMLMetaElement>("meta[name=style-nonce]")?.content ?? "",
);
