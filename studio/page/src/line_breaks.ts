/** Line breaks of a file. The editor counts each as one character; saving writes those of the file.
 *
 * It is "\r\n" only if all lines end so; in a text that mixes them, the editor keeps each "\r" as a character.
 */
export type LineBreak = "\n" | "\r\n";

export function toEditorText(text: string, lineBreak: LineBreak): string {
  return lineBreak === "\r\n" ? text.replaceAll("\r\n", "\n") : text;
}

export function toFileText(text: string, lineBreak: LineBreak): string {
  return lineBreak === "\r\n" ? text.replaceAll("\n", "\r\n") : text;
}
