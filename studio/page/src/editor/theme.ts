import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Appearance of the editor, in the colours of the page. */
const appearance = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: ".84rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)", paddingBlock: ".6rem 40vh" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--faint)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent) 26%, var(--paper))",
  },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--faint)" },
  ".cm-foldPlaceholder": { background: "var(--panel)", border: "1px solid var(--line)", color: "var(--faint)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy 1.5px var(--wrong)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline dashed 2px var(--caution-line)" },
  ".cm-lintRange-hint, .cm-lintRange-info": {
    backgroundImage: "none",
    textDecoration: "underline dotted 2px var(--faint)",
  },
  ".cm-lintRange": { textUnderlineOffset: "4px", textDecorationSkipInk: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--paper)",
    color: "var(--ink)",
    border: "1px solid var(--faint)",
    borderRadius: "6px",
    boxShadow: "0 4px 18px rgb(0 0 0 / .18)",
    maxWidth: "min(34rem, 92vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".2rem .6rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--paper)",
  },
  ".cm-completionDetail": { fontStyle: "normal", opacity: ".85", fontFamily: "var(--sans)" },
  ".cm-completionInfo": { padding: ".5rem .7rem", fontFamily: "var(--sans)" },
  ".cm-diagnostic": { borderLeft: "4px solid var(--line)", padding: ".4rem .7rem", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--wrong)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--caution-line)" },
  ".cm-diagnosticText": { display: "block" },
  ".cm-diagnosticAction": {
    margin: ".4rem .4rem 0 0",
    padding: ".15rem .7rem",
    background: "var(--paper)",
    color: "var(--ink)",
    border: "1px solid var(--faint)",
    borderRadius: "99px",
    fontSize: ".82rem",
  },
  ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-textfield": { backgroundColor: "var(--paper)", borderColor: "var(--faint)", color: "var(--ink)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--paper)", borderColor: "var(--faint)" },
  ".cm-searchMatch": { backgroundColor: "var(--caution)", outline: "1px solid var(--caution-line)" },
  ".cm-hint": { color: "var(--faint)", paddingLeft: "2ch", fontSize: ".78rem", whiteSpace: "pre" },
  ".cm-snippetField": { backgroundColor: "color-mix(in srgb, var(--accent) 16%, transparent)" },
  ".cm-hover": { padding: ".5rem .8rem", fontFamily: "var(--sans)", fontSize: ".86rem" },
});

const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.string, color: "var(--right)" },
  { tag: tags.number, color: "var(--number)" },
  { tag: [tags.bool, tags.null], color: "var(--number)", fontWeight: "600" },
  { tag: tags.punctuation, color: "var(--faint)" },
]);

export const theme: Extension = [appearance, syntaxHighlighting(highlighting)];
