{
  /* On a phone a gallery shows its first four cases, and a button the others. */
  const NUM_FIRST = 4;
  for (const gallery of document.querySelectorAll(".gallery")) {
    const rest = gallery.children.length - NUM_FIRST;
    if (rest < 1) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "more";
    button.textContent = `Show ${rest} more case${rest === 1 ? "" : "s"}`;
    button.addEventListener("click", () => {
      gallery.classList.remove("brief");
      button.remove();
      gallery.children[NUM_FIRST].querySelector("input, button, a")?.focus();
    });
    gallery.classList.add("brief");
    gallery.after(button);
  }
}
