/** The Markdown of hover texts as elements: paragraphs, lists, code and emphasis. Text never becomes markup. */
export function renderMarkdown(markdown: string): HTMLElement {
  const root = document.createElement("div");
  for (const block of markdown.trim().split(/\n{2,}/)) root.append(renderBlock(block));
  return root;
}

function renderBlock(block: string): HTMLElement {
  const lines = block.split("\n");
  if (block.startsWith("```")) return withText("pre", lines.slice(1, -1).join("\n"));
  if (!lines.every((line) => /^[-*] /.test(line))) return withInline("p", block.replace(/^#+ /, ""));
  const list = document.createElement("ul");
  list.append(...lines.map((line) => withInline("li", line.slice(2))));
  return list;
}

function withText(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Code between backticks and text between double asterisks; everything else is text. */
function withInline(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  for (const part of text.split(/(`[^`]+`|\*\*[^*]+\*\*)/)) {
    if (part.startsWith("`")) element.append(withText("code", part.slice(1, -1)));
    else if (part.startsWith("**")) element.append(withText("strong", part.slice(2, -2)));
    else element.append(part);
  }
  return element;
}
