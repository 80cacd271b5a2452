import { useEffect, useRef, useState } from "preact/hooks";
import { room } from "../analysis";
import { editing } from "../editing";
import { openNewText } from "../files/NewFileDialog";
import { DifferenceDialog } from "../editor/DifferenceDialog";
import { CostChoice } from "../network/CostBars";
import { watchColumns } from "../network/columns";
import type { Cost } from "../network/costs";
import { showEditor } from "../shell/navigation";
import { useStore } from "../store";
import { ComparisonTable } from "./ComparisonTable";
import { NetworkSide } from "./NetworkSide";
import { OtherChoice } from "./OtherChoice";
import { compareAgain, comparison, leaveOwnForm } from "./comparison";

/** The network of the open file next to another one. */
export function ComparePage() {
  const { network, drawing, document } = useStore(editing, (value) => value);
  const { other, problem, notes } = useStore(comparison, (value) => value);
  const choice = useStore(comparison, (value) => value.choice);
  const [cost, setCost] = useState<Cost>("num_parameters");
  const sides = useRef<HTMLDivElement>(null);
  const [isShowingTexts, setIsShowingTexts] = useState(false);
  useEffect(() => (sides.current === null ? undefined : watchColumns(sides.current, isNarrow() ? 1 : 2)), [document?.path]);
  const { columns } = useStore(room, (value) => value);
  useEffect(leaveOwnForm, [document?.path, network?.rank]);
  useEffect(() => compareAgain(), [document?.path, network, choice, columns]);
  if (document === null) return <NothingOpen />;
  return (
    <main class="compare">
      <div class="compare-head">
        <OtherChoice path={document.path} choice={choice} />
        {other !== null && (
          <div class="buttons">
            <button type="button" onClick={() => setIsShowingTexts(true)}>
              Compare texts
            </button>
            {choice.kind === "twin" && (
              <button type="button" class="primary" onClick={() => openNewText(twinPath(document.path, choice.form), other.text)}>
                Save twin as…
              </button>
            )}
          </div>
        )}
      </div>
      {problem !== "" && (
        <p class="caution" role="alert">
          {problem}
        </p>
      )}
      {notes.length > 0 && (
        <div class="compare-notes">
          {notes.map((note) => (
            <p key={note} class="note">
              {note}
            </p>
          ))}
        </div>
      )}
      {network === null && <p class="empty">{document.path} is not a valid architecture.</p>}
      {network !== null && other !== null && <ComparisonTable left={network} right={other.network} />}
      <CostChoice cost={cost} onChoose={setCost} />
      <div class="compare-sides" ref={sides}>
        {network !== null && <NetworkSide title={document.path} network={network} drawing={drawing} cost={cost} />}
        {other !== null && (
          <NetworkSide title={other.title} network={other.network} drawing={other.drawing} cost={cost} />
        )}
      </div>
      {isShowingTexts && other !== null && (
        <DifferenceDialog
          left={{ title: document.path, text: document.text }}
          right={{ title: other.title, text: other.text }}
          onClose={() => setIsShowingTexts(false)}
        />
      )}
    </main>
  );
}

/** Whether the networks are below each other, as in the style sheet. */
function isNarrow(): boolean {
  return window.matchMedia("(max-width: 40rem)").matches;
}

function NothingOpen() {
  return (
    <main class="compare">
      <p class="empty">
        Open an architecture first.{" "}
        <button type="button" onClick={showEditor}>
          Choose a file
        </button>
      </p>
    </main>
  );
}

/** A name for a twin next to its original: "archs/res2d.json" in 3D is "archs/res2d_3d.json". */
function twinPath(path: string, form: string): string {
  return path.replace(/^shipped:/, "").replace(/(\.json)?$/, `_${form.replace(".", "")}.json`);
}
