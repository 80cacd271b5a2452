/** Settings as lines of "key=value"; a value that is not JSON is text.
 *
 * @throws Error for a line without "=".
 */
export function parseSettings(text: string): Record<string, unknown> {
  const lines = text.split("\n").map((line) => line.trim());
  return Object.fromEntries(lines.filter((line) => line !== "").map(parseLine));
}

function parseLine(line: string): [string, unknown] {
  const end = line.indexOf("=");
  if (end < 1) throw new Error(`Setting “${line}”: expected the form key=value.`);
  return [line.slice(0, end).trim(), parseValue(line.slice(end + 1).trim())];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
