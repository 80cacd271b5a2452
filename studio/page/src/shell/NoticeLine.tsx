import { useStore } from "../store";
import { dismiss, notices } from "./notices";

/** The latest message. */
export function NoticeLine() {
  const notice = useStore(notices, (value) => value.latest);
  return (
    <div class="notice-line" role="status" aria-live="polite">
      {notice !== null && (
        <p class={notice.kind === "error" ? "notice error" : "notice"}>
          <span>{notice.text}</span>
          <button type="button" onClick={() => dismiss(notice)} aria-label="Dismiss the message">
            ✕
          </button>
        </p>
      )}
    </div>
  );
}
