import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  autocompletion,
  insertCompletionText,
  snippet,
} from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";
import { complete } from "../api/endpoints";
import type { CompletionOffer } from "../api/types";
import { report } from "../shell/notices";
import { toTemplate } from "./snippets";

/** Completions from the server, on request and while a key, a value or a layer is started. */
export function completions(path: string): Extension {
  return autocompletion({
    override: [(context) => findOffers(path, context)],
    icons: false,
    activateOnTyping: true,
    closeOnBlur: true,
  });
}

async function findOffers(path: string, context: CompletionContext): Promise<CompletionResult | null> {
  const isStarted = context.matchBefore(/["{[\w]$/) !== null;
  if (!context.explicit && !isStarted) return null;
  try {
    const text = context.state.doc.toString();
    const { completions } = await complete({ path, text }, context.pos);
    return context.aborted ? null : result(completions, context);
  } catch (error) {
    report(error);
    return null;
  }
}

/** The list, filtered by what is typed after an opening quote. */
function result(offers: readonly CompletionOffer[], context: CompletionContext): CompletionResult | null {
  const first = offers[0];
  if (first === undefined) return null;
  const start = Math.min(first.edit.start, context.pos);
  const typed = context.state.sliceDoc(start, context.pos);
  const quote = typed.startsWith('"') ? 1 : 0;
  return {
    from: start + quote,
    options: offers.map((offer, index) => option(offer, offers.length - index, context.pos)),
    validFor: /^[\w.]*$/,
  };
}

function option(offer: CompletionOffer, boost: number, queried: number): Completion {
  return {
    label: offer.label,
    detail: offer.detail,
    type: offer.kind,
    boost: Math.min(boost, 99),
    ...(offer.documentation === "" ? {} : { info: offer.documentation }),
    apply: (view, completion, _from, to) => {
      const end = offer.edit.end + Math.max(0, to - queried);
      if (offer.is_snippet) snippet(toTemplate(offer.edit.new_text))(view, completion, offer.edit.start, end);
      else view.dispatch(insertCompletionText(view.state, offer.edit.new_text, offer.edit.start, end));
    },
  };
}
