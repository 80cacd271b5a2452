/* Copy text to the clipboard: nothing leaves the page. */
const copyText = async text => {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* a page without permission copies a selection instead */ }
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
};

const copyResult = isCopied => isCopied ? "Copied." : "This browser does not allow copying.";
