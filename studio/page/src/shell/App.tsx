import { ComparePage } from "../compare/ComparePage";
import { EditorPane } from "../editor/EditorPane";
import { FileList } from "../files/FileList";
import { NewFileDialog } from "../files/NewFileDialog";
import { RunsPage } from "../runs/RunsPage";
import { StartRunDialog } from "../runs/StartRunDialog";
import { useStore } from "../store";
import { ConnectionBanner } from "./ConnectionBanner";
import { Header } from "./Header";
import { NoticeLine } from "./NoticeLine";
import { type Pane, place } from "./navigation";
import { RightPane } from "./RightPane";
import { ShortcutsDialog } from "./ShortcutsDialog";

/** The whole page. */
export function App() {
  const page = useStore(place, (value) => value.page);
  return (
    <>
      <Header />
      <ConnectionBanner />
      {page === "edit" && <EditPage />}
      {page === "compare" && <ComparePage />}
      {page === "runs" && <RunsPage />}
      <NoticeLine />
      <NewFileDialog />
      <StartRunDialog />
      <ShortcutsDialog />
    </>
  );
}

const PANES: readonly { name: Pane; title: string }[] = [
  { name: "files", title: "Files" },
  { name: "text", title: "Text" },
  { name: "network", title: "Network" },
];

/** Files, text and network next to each other; on a narrow screen one of them, chosen by a tab. */
function EditPage() {
  const pane = useStore(place, (value) => value.pane);
  return (
    <main class="edit" data-pane={pane}>
      <div class="pane-tabs" role="group" aria-label="Pane">
        {PANES.map(({ name, title }) => (
          <button key={name} type="button" aria-pressed={name === pane} onClick={() => place.set({ pane: name })}>
            {title}
          </button>
        ))}
      </div>
      <section class="pane pane-files" id="pane-files" aria-label="Files" tabIndex={-1}>
        <FileList />
      </section>
      <section class="pane pane-text" id="pane-text" aria-label="Text" tabIndex={-1}>
        <EditorPane />
      </section>
      <section class="pane pane-network" id="pane-network" aria-label="Network" tabIndex={-1}>
        <RightPane />
      </section>
    </main>
  );
}
