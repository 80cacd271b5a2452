import type { Diagnostic } from "../api/types";
import { editing } from "../editing";
import { counted } from "../format";
import { useStore } from "../store";
import { focusEditor, goTo, takeFix } from "./view";

const NAMES = { error: "Error", warning: "Warning", hint: "Hint" } as const;
const SIGNS = { error: "✕", warning: "!", hint: "i" } as const;

/** All problems of the text, with a button for each fix. */
export function ProblemList() {
  const analysis = useStore(editing, (value) => value.analysis);
  const text = useStore(editing, (value) => value.document?.text ?? "");
  if (analysis === null) return null;
  const { diagnostics } = analysis;
  return (
    <section class="problems" aria-labelledby="problems-title">
      <h3 id="problems-title" aria-live="polite">
        {summary(diagnostics)}
      </h3>
      {diagnostics.length > 0 && (
        <ul>
          {diagnostics.map((diagnostic) => (
            <Problem key={`${diagnostic.start}-${diagnostic.message}`} diagnostic={diagnostic} text={text} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Problem({ diagnostic, text }: { diagnostic: Diagnostic; text: string }) {
  const { severity, message, start, fixes } = diagnostic;
  const line = text.slice(0, start).split("\n").length;
  const show = () => {
    goTo(start);
    focusEditor();
  };
  return (
    <li class={severity}>
      <span class="sign" aria-hidden="true">
        {SIGNS[severity]}
      </span>
      <div>
        <button type="button" class="plain" onClick={show}>
          <span class="unseen">{NAMES[severity]}, </span>
          <span class="line">line {line}</span> {message}
        </button>
        {fixes.map((fix) => (
          <button key={fix.title} type="button" class="fix" onClick={() => takeFix(fix)}>
            {fix.title}
          </button>
        ))}
      </div>
    </li>
  );
}

function summary(diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return "No problems";
  const counts = (["error", "warning", "hint"] as const)
    .map((severity) => [severity, diagnostics.filter((one) => one.severity === severity).length] as const)
    .filter(([, number]) => number > 0)
    .map(([severity, number]) => counted(number, severity));
  return counts.join(", ");
}
