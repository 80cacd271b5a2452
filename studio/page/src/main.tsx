import { render } from "preact";
import { watchText } from "./analysis";
import { connection } from "./api/client";
import { watchOtherTabs } from "./files/drafts";
import { refreshFolder, watchFolder } from "./files/folder";
import { startSession } from "./session";
import { App } from "./shell/App";
import { ConnectionBanner } from "./shell/ConnectionBanner";
import { listenToKeys } from "./shell/keyboard";
import { followAddress } from "./shell/navigation";
import { report } from "./shell/notices";
import { startTheme } from "./shell/theme";
import "./styles/colours.css";
import "./styles/shell.css";
import "./styles/editor.css";
import "./styles/network.css";
import "./styles/experiment.css";
import "./styles/compare.css";
import "./styles/runs.css";

const root = document.getElementById("studio");

async function start(parent: HTMLElement): Promise<void> {
  startTheme();
  try {
    await startSession();
  } catch (error) {
    if (connection.get().state === "ok") throw error;
    render(<ConnectionBanner />, parent);
    return;
  }
  parent.replaceChildren();
  watchText();
  watchOtherTabs();
  followAddress();
  listenToKeys();
  render(<App />, parent);
  await refreshFolder();
  watchFolder();
}

if (root !== null) start(root).catch(report);
