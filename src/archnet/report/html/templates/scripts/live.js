{
  const live = document.getElementById("live");
  if (live) {
    const data = JSON.parse(document.getElementById("live-data").textContent);
    const positive = Number(live.dataset.positive);
    const slider = live.querySelector("#threshold"), output = live.querySelector("output");
    const buttons = [...live.querySelectorAll("[data-point]")];
    const matrices = [...live.querySelectorAll("table.matrix")];
    const rows = [...live.querySelectorAll("tr[data-column]")];
    const plots = [...live.querySelectorAll("[data-side]")];
    let scale = 0;

    const showMatrix = (matrix, found, alarms, {positives, others}) => {
      const negative = 1 - positive;
      const cells = [
        [positive, positive, found, positives], [positive, negative, positives - found, positives],
        [negative, positive, alarms, others], [negative, negative, others - alarms, others],
      ];
      for (const [truth, predicted, number, total] of cells) {
        const cell = matrix.querySelector(`[data-cell="${truth}${predicted}"]`);
        cell.style.setProperty("--share", total ? number / total : 0);
        cell.querySelector("b").textContent = count(number);
        cell.querySelector("small").textContent = total ? percent(number / total) : "no case";
      }
    };

    const intervalText = (ends, step) => {
      const [low, high] = ends ? ends.slice(2 * step, 2 * step + 2) : [null, null];
      return low === null ? "" : `${decimals(low / 1000)} to ${decimals(high / 1000)}`;
    };

    const showNumbers = (row, threshold, trainings, column, intervals, step) => {
      row.querySelector('[data-metric="threshold"]').textContent = thresholdText(threshold);
      const each = trainings.map(([found, alarms]) => metrics(found, alarms, column));
      for (const name of Object.keys(each[0])) {
        const cell = row.querySelector(`[data-metric="${name}"]`), value = mean(each.map(entry => entry[name]));
        cell.querySelector(".value").textContent = decimals(value);
        cell.querySelector(".interval").textContent = intervalText(intervals[name], step);
      }
    };

    const placeMark = (plot, name, x, y) => {
      const mark = [...plot.querySelectorAll(".mark")].find(one => one.dataset.column === name);
      if (!mark) return;
      const {left, top, side} = plot.dataset;
      mark.style.display = Number.isFinite(x) && Number.isFinite(y) ? "" : "none";
      if (mark.style.display) return;
      mark.setAttribute("cx", Number(left) + side * x);
      mark.setAttribute("cy", Number(top) + side * (1 - y));
    };

    /* Shows one step of a scale, or a button's point, which is a scale of one step. */
    const show = (columns, step) => columns.forEach(({thresholds, trainings, intervals}, place) => {
      const column = data.columns[place], name = rows[place].dataset.column;
      const counts = trainings.map(({found, alarms}) => [found[step], alarms[step]]);
      const found = mean(counts.map(([number]) => number)), alarms = mean(counts.map(([, number]) => number));
      showMatrix(matrices[place], found, alarms, column);
      matrices[place].dataset.threshold = thresholds[step];
      showNumbers(rows[place], thresholds[step], counts, column, intervals, Number(step));
      const {recall, precision, specificity} = metrics(found, alarms, column);
      if (plots.length) {
        placeMark(plots[0], name, 1 - specificity, recall);
        placeMark(plots[1], name, recall, precision);
      }
      if (place === columns.length - 1) live.dispatchEvent(new Event("thresholds"));
    });

    /* "9 of 42 found, 20 false positives" of one column at a step; of several seeds the means. */
    const countsText = ({trainings}, step, {positives}) => {
      const found = mean(trainings.map(one => one.found[step])), alarms = mean(trainings.map(one => one.alarms[step]));
      return `${count(found)} of ${count(positives)} found, ${count(alarms)} false positive${alarms === 1 ? "" : "s"}`;
    };

    /* Of networks those of all; of the sets of one run those of the first, which the page reports. */
    const describe = (columns, step) => {
      const place = data.scales[scale].steps[slider.value];
      const heading = scale ? `At most ${count(place)} false positive${place === 1 ? "" : "s"}` : thresholdText(place);
      const shown = live.dataset.columns === "networks" ? columns : columns.slice(0, 1);
      const parts = shown.map((column, k) => {
        const text = countsText(column, step, data.columns[k]);
        return columns.length > 1 ? `${rows[k].dataset.column} ${text}` : text;
      });
      const text = `${heading}: ${parts.join("; ")}`;
      output.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    };
    const press = chosen => buttons.forEach(button => button.setAttribute("aria-pressed", button === chosen));
    const useScale = place => {
      scale = place;
      slider.max = data.scales[scale].steps.length - 1;
      live.querySelector(".slide label").textContent = scale ? "False positives" : "Threshold";
    };

    slider.addEventListener("input", () => {
      press(null);
      show(data.scales[scale].columns, slider.value);
      describe(data.scales[scale].columns, slider.value);
    });
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const point = data.points[button.dataset.point];
        slider.value = point.at[scale];
        describe(point.columns, 0);
        press(button);
        show(point.columns, 0);
      });
    }
    for (const radio of live.querySelectorAll('[name="scale"]')) {
      radio.addEventListener("change", () => {
        useScale(Number(radio.value));
        slider.value = data.points[0].at[scale];
        describe(data.scales[scale].columns, slider.value);
        press(null);
        show(data.scales[scale].columns, slider.value);
      });
    }
    useScale(0);
    slider.value = data.points[0].at[0];
    describe(data.points[0].columns, 0);
    press(buttons[0]);
    live.querySelector(".controls").hidden = false;
  }
}
