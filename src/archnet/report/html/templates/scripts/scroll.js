{
  /* Tables that are wider than the page: a keyboard can scroll them, and a screen reader names them. */
  const name = region => {
    const caption = region.querySelector("caption"), heading = region.closest("section")?.querySelector("h2");
    return `${(caption ?? heading)?.textContent.trim() || "Table"}, scrolls sideways`;
  };
  const mark = () => {
    for (const region of document.querySelectorAll(".scroll")) {
      if (region.scrollWidth > region.clientWidth + 1) {
        region.tabIndex = 0;
        region.setAttribute("role", "group");
        region.setAttribute("aria-label", name(region));
      } else {
        for (const attribute of ["tabindex", "role", "aria-label"]) region.removeAttribute(attribute);
      }
    }
  };
  addEventListener("resize", mark);
  for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", mark);
  mark();
}
