import { createStore } from "../store";

export type NoticeKind = "information" | "error";

/** A short message at the foot of the page; screen readers read it at once. */
export interface Notice {
  text: string;
  kind: NoticeKind;
  number: number;
}

export const notices = createStore<{ latest: Notice | null }>({ latest: null });

const SHOWN_MS = 6000;
let number = 0;

export function announce(text: string, kind: NoticeKind = "information"): void {
  number += 1;
  const notice = { text, kind, number };
  notices.set({ latest: notice });
  if (kind === "information") window.setTimeout(() => dismiss(notice), SHOWN_MS);
}

export function dismiss(notice: Notice): void {
  if (notices.get().latest?.number === notice.number) notices.set({ latest: null });
}

/** Shows why something failed; the banner of the page already reports a missing server. */
export function report(error: unknown): void {
  if (error instanceof Error && error.name === "ConnectionError") return;
  announce(error instanceof Error ? error.message : String(error), "error");
}
