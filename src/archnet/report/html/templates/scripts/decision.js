{
  /* Predictive values at the prevalence that the reader enters, by Bayes' theorem from the likelihood ratios. */
  const table = document.querySelector("table.predictive");
  if (table) {
    const ratios = JSON.parse(table.dataset.ratios), row = table.querySelector(".own-prevalence");
    const input = row.querySelector("input"), [ppv, npv] = row.querySelectorAll("td");

    /* A probability by odds; a ratio of null is infinite. */
    const posterior = (ratio, prevalence) => {
      if (ratio === null) return 1;
      return prevalence * ratio / (prevalence * ratio + 1 - prevalence);
    };
    const fill = (cell, {value, interval}, numbers) => {
      const isDefined = value !== null || interval !== null;
      cell.querySelector(".value").textContent = decimals(isDefined ? numbers([value])[0] : NaN);
      cell.querySelector(".interval").textContent = isDefined && interval ? numbers(interval).map(decimals).join(" to ") : "";
    };
    const show = () => {
      const prevalence = input.valueAsNumber / 100, isValid = prevalence > 0 && prevalence < 1;
      const chance = isValid ? prevalence : NaN;
      fill(ppv, ratios.positive, values => values.map(ratio => posterior(ratio, chance)));
      fill(npv, ratios.negative, values => values.map(ratio => 1 - posterior(ratio, chance)).reverse());
      if (!isValid) for (const cell of [ppv, npv]) cell.querySelectorAll("span").forEach(span => { span.textContent = ""; });
    };
    input.addEventListener("input", show);
    row.hidden = false;
    show();
  }
}
