/* Tables that are wider than the page: a keyboard can scroll them, and a screen reader names them. */
const nameWideTable = region => {
  const caption = region.querySelector("caption"), heading = region.closest("section")?.querySelector("h2");
  return `${(caption ?? heading)?.textContent.trim() || "Table"}, scrolls sideways`;
};
const markWideTables = () => {
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.scrollWidth > region.clientWidth + 1) {
      region.tabIndex = 0;
      region.setAttribute("role", "group");
      region.setAttribute("aria-label", nameWideTable(region));
    } else {
      for (const attribute of ["tabindex", "role", "aria-label"]) region.removeAttribute(attribute);
    }
  }
};
addEventListener("resize", markWideTables);
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", markWideTables);
markWideTables();
