import { connection } from "../api/client";
import { startCommand } from "../session";
import { useStore } from "../store";

/** Explains how to go on when the server does not answer. */
export function ConnectionBanner() {
  const state = useStore(connection, (value) => value.state);
  if (state === "ok") return null;
  return (
    <div class="caution connection" role="alert">
      {state === "gone" ? (
        <p>
          <b>The server has ended.</b> Start it again with <code>{startCommand()}</code> and open the address that it
          prints. Your unsaved text is kept.
        </p>
      ) : (
        <p>
          <b>The token in the address is not valid.</b> Each start of the server has a new one. Open the address that{" "}
          <code>{startCommand()}</code> printed. Your unsaved text is kept.
        </p>
      )}
    </div>
  );
}
