/** Tab stops of the Language Server Protocol in the syntax of CodeMirror's snippets.
 *
 * Both number their fields; only LSP has a final stop, choices, and stops without braces.
 */
export function toTemplate(snippet: string): string {
  return snippet
    .replace(/\$\{(\d+)\|([^,|}]*)[^}]*\|\}/g, "${$1:$2}")
    .replace(/\$(\d+)/g, "${$1}")
    .replace(/\$\{0(:[^}]*)?\}/g, "${}")
    .replace(/\\([\\$])/g, "$1");
}
