/* The verdict to copy and to save: nothing leaves the page. */
{
  const copies = document.querySelector(".verdict .copies");

  const say = text => { copies.querySelector(".copied").textContent = text; };

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(`Saved as ${name}.`);
  };

  const savePng = svg => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * image.width;
      canvas.height = 2 * image.height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(blob => save(blob, "verdict.png"), "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  };

  if (copies) {
    copies.hidden = false;
    for (const button of copies.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", async () => {
        say(copyResult(await copyText(copies.dataset[button.dataset.copy])));
      });
    }
    for (const button of copies.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => {
        if (button.dataset.save === "png") savePng(copies.dataset.svg);
        else save(new Blob([copies.dataset.svg], {type: "image/svg+xml"}), "verdict.svg");
      });
    }
  }
}
