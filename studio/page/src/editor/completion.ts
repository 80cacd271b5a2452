import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  autocompletion,
  insertCompletionText,
  pickedCompletion,
  snippet,
} from "@codemirror/autocomplete";
import type { Extension, Transaction, TransactionSpec } from "@codemirror/state";
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
      const others = offer.other_edits.map((edit) => ({ from: edit.start, to: edit.end, insert: edit.new_text }));
      const make = (change: TransactionSpec) => view.dispatch(change, { changes: others });
      if (offer.is_snippet) {
        const target = { state: view.state, dispatch: (change: Transaction) => make(partsOf(change, completion)) };
        snippet(toTemplate(offer.edit.new_text))(target, completion, offer.edit.start, end);
      } else {
        make(insertCompletionText(view.state, offer.edit.new_text, offer.edit.start, end));
      }
    },
  };
}

/** What a transaction does, to be made together with other changes. */
function partsOf({ changes, selection, effects }: Transaction, completion: Completion): TransactionSpec {
  return {
    changes,
    ...(selection ? { selection } : {}),
    effects,
    annotations: pickedCompletion.of(completion),
    scrollIntoView: true,
    userEvent: "input.complete",
  };
}
