/* A table whose headers sort its rows: numbers by value, texts with the numbers in them by value, rows without one last. */
{
  const text = (row, place) => row.children[place].dataset.value ?? row.children[place].textContent.trim();
  const compare = (first, second) =>
    isNaN(first) || isNaN(second) ? first.localeCompare(second, "en", { numeric: true }) : first - second;

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const isFirst = header.getAttribute("aria-sort") === null;
        const isUp = isFirst ? header.dataset.best !== "high" : header.getAttribute("aria-sort") === "descending";
        headers.forEach(other => other.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        const rows = [...body.rows], known = rows.filter(row => text(row, place) !== "");
        known.sort((first, second) => (isUp ? 1 : -1) * compare(text(first, place), text(second, place)));
        body.append(...known, ...rows.filter(row => text(row, place) === ""));
      });
    });
  }
}
