/** Runs one question at a time: a new question cancels the one before, whose answer is dropped.
 *
 * @param delay Milliseconds of quiet before a question is sent.
 */
export function latestOnly<A extends unknown[], T>(
  ask: (signal: AbortSignal, ...values: A) => Promise<T>,
  use: (answer: T, ...values: A) => void,
  fail: (error: unknown) => void,
  delay = 0,
): (...values: A) => void {
  let timer = 0;
  let controller = new AbortController();
  return (...values) => {
    window.clearTimeout(timer);
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    timer = window.setTimeout(() => {
      ask(signal, ...values).then(
        (answer) => signal.aborted || use(answer, ...values),
        (error: unknown) => signal.aborted || fail(error),
      );
    }, delay);
  };
}
