import { folderName } from "../folder_name";
import { useStore } from "../store";
import { place, showComparison, showEditor, showRuns } from "./navigation";
import { openShortcuts } from "./ShortcutsDialog";
import { nextTheme, theme } from "./theme";

const PAGES = [
  { name: "edit", title: "Edit", show: showEditor },
  { name: "compare", title: "Compare", show: showComparison },
  { name: "runs", title: "Runs", show: showRuns },
] as const;

/** Name of the folder, the pages, the theme and the shortcuts. */
export function Header() {
  const page = useStore(place, (value) => value.page);
  const themeName = useStore(theme, (value) => value.name);
  return (
    <header class="top">
      <h1>
        <span class="product">archnet </span>studio <span class="folder">{folderName().replace(/^.*\//, "")}</span>
      </h1>
      <nav class="pages" aria-label="Pages">
        {PAGES.map(({ name, title, show }) => (
          <button key={name} type="button" aria-current={page === name ? "page" : undefined} onClick={show}>
            {title}
          </button>
        ))}
      </nav>
      <div class="buttons">
        <button type="button" onClick={nextTheme} aria-label={`Theme: ${themeName}. Change theme.`}>
          <span aria-hidden="true">◐</span> <span class="wide-only">{themeName}</span>
        </button>
        <button type="button" onClick={openShortcuts} aria-label="Keyboard shortcuts" aria-keyshortcuts="?">
          ?
        </button>
      </div>
    </header>
  );
}
