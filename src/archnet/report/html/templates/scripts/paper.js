/* The methods paragraph to copy. */
{
  const copies = document.querySelector(".methods-copy");

  if (copies) {
    copies.hidden = false;
    copies.querySelector("button").addEventListener("click", async () => {
      copies.querySelector(".copied").textContent = copyResult(await copyText(copies.dataset.text));
    });
  }
}
