/** Numbers as they are written in the reports of archnet. */

const COUNT = new Intl.NumberFormat("en-US");

/** All digits, such as "1,234". */
export function exactCount(value: number): string {
  return COUNT.format(Math.round(value));
}

/** Three digits and a decimal prefix, such as "1.27 M". */
export function shortCount(value: number): string {
  return withPrefix(value, ["", "k", "M", "G"]);
}

/** Bytes in decimal units, such as "412 MB". */
export function memoryText(bytes: number): string {
  return withPrefix(bytes, ["B", "kB", "MB", "GB"]);
}

function withPrefix(value: number, units: readonly string[]): string {
  let index = 0;
  while (value >= 999.5 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[index]}`.trimEnd();
}

export function shapeText(shape: readonly number[]): string {
  return shape.join("×");
}

/** Seconds in words, such as "3 min 20 s". */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${Number(Math.max(0, seconds).toFixed(1))} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds) % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function metricText(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

/** A difference in percent, such as "+12%", or from twofold on as a factor, such as "×13.9". */
export function changeText(from: number, to: number): string {
  if (from === to) return "same";
  if (from === 0) return "–";
  if (to >= 2 * from) return `×${Number((to / from).toPrecision(3))}`;
  const percent = (100 * (to - from)) / from;
  const digits = Math.abs(percent) < 10 ? 1 : 0;
  return `${percent > 0 ? "+" : "\u2212"}${Math.abs(percent).toFixed(digits)}%`;
}

/** A number with its noun: "1 run", "2 runs". */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
