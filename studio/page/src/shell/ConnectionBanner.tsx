import { connection } from "../api/client";
import { startCommand } from "../session";
import { useStore } from "../store";

/** Explains what to do when the server does not answer. */
export function ConnectionBanner() {
  const state = useStore(connection, (value) => value.state);
  if (state === "ok") return null;
  return (
    <div class="caution connection" role="alert">
      {state === "gone" ? (
        <p>
          <b>The server has stopped.</b> Start it again with <code>{startCommand()}</code> and open the address that it
          prints. Your unsaved text is kept.
        </p>
      ) : (
        <p>
          <b>The token in the address is invalid.</b> It changes each time the server starts. Open the address that{" "}
          <code>{startCommand()}</code> printed. Your unsaved text is kept.
        </p>
      )}
    </div>
  );
}
