{
  /* The cases of the page: selections that its figures and buttons make, and one case in three planes. */
  const section = document.getElementById("viewer");
  if (section && "DecompressionStream" in window) startViewer(section);

  function startViewer(section) {
    const data = JSON.parse(document.getElementById("viewer-data").textContent);
    const find = selector => section.querySelector(selector);
    const isBinary = data.classes.length === 2;
    const rows = [...data.names.keys()];
    const thresholds = Object.fromEntries(
      Object.entries(data.columns).map(([name, [network]]) => [name, data.networks[network].threshold]));
    const pageThumbs = 12;
    let selection = {}, found = [], shownThumbs = pageThumbs, voxels = null, current = null;

    /* Selections. */
    const scoreOf = (network, row) => data.scores[network][row];
    const predictedBy = (network, threshold, row) => {
      const score = scoreOf(network, row);
      if (isBinary) return score >= threshold ? data.positive : 1 - data.positive;
      return score.indexOf(Math.max(...score));
    };
    const columnOf = name => Object.keys(data.columns).find(key => key === name);
    const isRight = (name, row) =>
      predictedBy(data.columns[name][0], thresholds[name], row) === data.truth[row];
    const rangeScore = ({network, label}, row) =>
      isBinary ? scoreOf(network, row) : scoreOf(network, row)[label ?? data.truth[row]];
    const matches = row => {
      const {column, truth, predicted, correct, right, wrong, set, range} = selection;
      if (column !== undefined) {
        const [network, part] = data.columns[column];
        if (data.set[row] !== part) return false;
        if (predicted !== undefined && predictedBy(network, thresholds[column], row) !== predicted) return false;
        if (correct !== undefined && isRight(column, row) !== correct) return false;
      }
      if (set !== undefined && data.set[row] !== set) return false;
      if (truth !== undefined && data.truth[row] !== truth) return false;
      if (right && !right.every(name => isRight(name, row))) return false;
      if (wrong && !wrong.every(name => !isRight(name, row))) return false;
      if (!range) return true;
      const score = rangeScore(range, row);
      return score >= range.low && (score < range.high || (range.high >= 1 && score <= 1));
    };

    const quoted = label => `“${data.classes[label]}”`;
    const manyColumns = Object.keys(data.columns).length > 1;
    const without = (...keys) => () => {
      const rest = {...selection};
      for (const key of keys) delete rest[key];
      choose(rest);
    };
    const chipTexts = () => {
      const {column, truth, predicted, correct, right, wrong, set, range} = selection, chips = [];
      const named = column !== undefined && (predicted !== undefined || correct !== undefined);
      if (column !== undefined) chips.push([data.networks.length > 1 ? column : `${column} set`,
        without("column", "predicted", "correct")]);
      if (truth !== undefined) chips.push([`true class ${quoted(truth)}`, without("truth")]);
      if (predicted !== undefined) chips.push([`predicted ${quoted(predicted)}`, without("predicted")]);
      if (correct !== undefined) chips.push([correct ? "correct" : "errors", without("correct")]);
      if (named && isBinary) chips.push([`threshold ${thresholdText(thresholds[column])}`, null]);
      for (const [names, word] of [[right, "right"], [wrong, "wrong"]]) {
        for (const name of names ?? []) chips.push([`${name} ${word}`, () => choose({...selection,
          [word]: selection[word].filter(other => other !== name)})]);
      }
      if (set !== undefined) chips.push([`${data.sets[set]} set`, without("set")]);
      if (range) {
        const owner = data.networks.length > 1 ? ` of ${data.networks[range.network].name}` : "";
        chips.push([`score${owner} ${thresholdText(range.low)} to ${thresholdText(range.high)}`, without("range")]);
      }
      return chips;
    };

    const samePreset = preset => JSON.stringify(preset) === JSON.stringify(selection);
    const showSelection = () => {
      found = rows.filter(matches);
      const chips = find(".chips");
      chips.replaceChildren(...chipTexts().map(([text, clear]) => {
        const chip = document.createElement(clear ? "button" : "span");
        chip.textContent = text;
        if (clear) {
          chip.type = "button";
          chip.setAttribute("aria-label", `Remove the condition: ${text}`);
          chip.addEventListener("click", clear);
        }
        return chip;
      }));
      const {low, high} = selection.range ?? {};
      find('[data-bound="low"]').value = low ?? "";
      find('[data-bound="high"]').value = high ?? "";
      for (const button of section.querySelectorAll("[data-preset]")) {
        button.setAttribute("aria-pressed", samePreset(data.presets[button.dataset.preset]));
      }
      for (const {button, makes} of pickers) button.setAttribute("aria-pressed", samePreset(makes()));
      shownThumbs = pageThumbs;
      showList();
    };
    const choose = wanted => {
      selection = wanted;
      showSelection();
    };
    const chooseAndGo = wanted => {
      choose(wanted);
      find(".browser").scrollIntoView({block: "start"});
      find(".found").focus({preventScroll: true});
    };

    /* The list. */
    const places = () => {
      voxels ??= JSON.parse(document.getElementById("viewer-voxels").textContent);
      return voxels;
    };
    const embeddedPlaces = () => {
      const wanted = new Set(found);
      return [...places().keys()].filter(place => wanted.has(voxels[place].row));
    };
    const probabilityText = score => score.toFixed(3);
    const answerText = (network, row) => {
      const score = scoreOf(network, row);
      return isBinary ? probabilityText(score) : `${data.classes[score.indexOf(Math.max(...score))]} ${probabilityText(Math.max(...score))}`;
    };
    const showList = () => {
      const embedded = embeddedPlaces(), shown = embedded.slice(0, shownThumbs);
      const rest = found.length - embedded.length;
      const cases = found.length === 1 ? "case" : "cases";
      find(".found").textContent = found.length === 0 ? "No cases match these conditions." :
        `${count(embedded.length)} of ${count(found.length)} ${cases} shown` +
        (rest ? `; ${count(rest)} more ${rest === 1 ? "is" : "are"} listed below without images.` : ".");
      find(".thumbs").replaceChildren(...shown.map(thumb));
      find(".more-cases").hidden = shown.length === embedded.length;
      showRest(new Set(embedded.map(place => voxels[place].row)));
      markCurrent();
    };
    const thumb = place => {
      const {row} = voxels[place];
      const item = document.createElement("li"), button = document.createElement("button");
      const canvas = document.createElement("canvas"), lines = [
        `true class ${data.classes[data.truth[row]]}`,
        ...data.networks.map(({name}, network) =>
          `${data.networks.length > 1 ? `${name}: ` : "p "}${answerText(network, row)}`),
        data.short[row],
      ];
      button.type = "button";
      button.dataset.place = place;
      canvas.setAttribute("aria-hidden", "true");
      button.append(canvas, ...lines.map(text => {
        const line = document.createElement("span");
        line.textContent = text;
        return line;
      }));
      button.addEventListener("click", () => open(place, true));
      item.append(button);
      decode(place).then(loaded => drawThumb(canvas, loaded));
      return item;
    };
    const cell = (tag, text) => {
      const one = document.createElement(tag);
      one.textContent = text;
      if (tag === "th") one.scope = "col";
      return one;
    };
    const maxListed = 200;
    const showRest = embedded => {
      const rest = found.filter(row => !embedded.has(row)), part = rest.slice(0, maxListed);
      const unseen = find(".unseen");
      unseen.hidden = rest.length === 0;
      unseen.querySelector("summary").textContent = rest.length > maxListed ?
        `The first ${maxListed} of ${count(rest.length)} cases that are not embedded` :
        `${count(rest.length)} ${rest.length === 1 ? "case" : "cases"} that ${rest.length === 1 ? "is" : "are"} not embedded`;
      const scoreHead = isBinary ? `p of ${data.classes[data.positive]}` : "prediction";
      unseen.querySelector("thead tr").replaceChildren(...["case", "group", "set", "true class",
        ...data.networks.map(({name}) => data.networks.length > 1 ? `${name}, ${scoreHead}` : scoreHead)]
        .map(text => cell("th", text)));
      unseen.querySelector("tbody").replaceChildren(...part.map(row => {
        const line = document.createElement("tr");
        line.append(...[data.names[row], data.groups[row], data.sets[data.set[row]], data.classes[data.truth[row]],
          ...data.networks.map((_, network) => answerText(network, row))].map(text => cell("td", text)));
        return line;
      }));
    };
    find(".more-cases").addEventListener("click", () => {
      const {length} = find(".thumbs").children;
      shownThumbs += 24;
      showList();
      find(".thumbs").children[length]?.firstChild.focus();
    });

    /* Voxels. */
    const inflate = async (text, size) => {
      const packed = atob(text), bytes = Uint8Array.from(packed, letter => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      const content = new Uint8Array(await new Response(stream).arrayBuffer());
      const numbers = new Uint16Array(size);
      for (let place = 0, last = 0; place < size; place++) {
        const folded = content[place] | content[size + place] << 8;
        last = last + ((folded >>> 1) ^ -(folded & 1)) & 0xffff;
        numbers[place] = last;
      }
      return numbers;
    };
    const product = sizes => sizes.reduce((one, other) => one * other, 1);
    const decoded = new Map();
    const decode = place => {
      if (!decoded.has(place)) {
        const entry = voxels[place];
        decoded.set(place, inflate(entry.voxels, product(entry.shape)).then(numbers => ({...entry, numbers})));
      }
      return decoded.get(place);
    };
    const decodedHeat = new Map();
    const decodeHeat = (place, network) => {
      const key = `${place} ${network}`, heat = voxels[place].heat[network];
      if (!heat) return Promise.resolve(null);
      if (!decodedHeat.has(key)) {
        decodedHeat.set(key, inflate(heat.text, product(heat.shape)).then(numbers => ({...heat, numbers})));
      }
      return decodedHeat.get(key);
    };

    /* Windows: level and width in HU. */
    const named = [["lung", -600, 1500], ["mediastinal", 40, 400], ["bone", 400, 1800]]
      .map(([name, level, width]) => ({name, low: level - width / 2, high: level + width / 2}));
    const windowsOf = entry => {
      const [low, high] = entry.window;
      const training = {name: "training", low, high};
      return entry.is_hu ? [training, ...named] : [training];
    };
    const grey = (raw, {low, high}) => 255 * (raw - low) / (high - low);

    /* Planes. Arrays are (height, width, depth) = (y, x, z); the numbers are stored by z, y, x. */
    const planes = {
      axial: {across: 1, down: 0, through: 2, isFlipped: false},
      coronal: {across: 1, down: 2, through: 0, isFlipped: true},
      sagittal: {across: 0, down: 2, through: 1, isFlipped: true},
    };
    const numberAt = ({shape: [height, width]}, [y, x, z]) => (z * height + y) * width + x;
    const indexAt = (entry, plane, slice, u, v) => {
      const {across, down, through, isFlipped} = planes[plane], index = [0, 0, 0];
      index[across] = u;
      index[down] = isFlipped ? entry.shape[down] - 1 - v : v;
      index[through] = slice;
      return index;
    };
    const paint = (entry, plane, slice, limits, shade) => {
      const {across, down} = planes[plane], width = entry.shape[across], height = entry.shape[down];
      const picture = new ImageData(width, height);
      for (let v = 0, place = 0; v < height; v++) {
        for (let u = 0; u < width; u++, place += 4) {
          const index = indexAt(entry, plane, slice, u, v);
          const value = grey(entry.numbers[numberAt(entry, index)] * entry.factor + entry.offset, limits);
          const [alpha, red, green] = shade ? shade(index) : [0, 0, 0];
          const base = Math.min(255, Math.max(0, value)) * (1 - alpha);
          picture.data[place] = base + alpha * red;
          picture.data[place + 1] = base + alpha * green;
          picture.data[place + 2] = base;
          picture.data[place + 3] = 255;
        }
      }
      const canvas = new OffscreenCanvas(width, height);
      canvas.getContext("2d").putImageData(picture, 0, 0);
      return canvas;
    };
    const centreOf = entry => entry.size.map((length, axis) =>
      (Math.floor(length / 2) + 0.5) / entry.factors[axis] - 0.5);
    const nearest = (entry, position) => position.map((value, axis) =>
      Math.min(entry.shape[axis] - 1, Math.max(0, Math.round(value))));
    const drawThumb = (canvas, entry) => {
      const plane = "axial", slice = nearest(entry, centreOf(entry))[2];
      canvas.width = entry.shape[1];
      canvas.height = entry.shape[0];
      canvas.getContext("2d").drawImage(paint(entry, plane, slice, windowsOf(entry)[0], null), 0, 0);
    };

    /* Millimetres: of one voxel of the page along y, x, z; null where unknown. */
    const millimetres = entry => {
      const length = vector => Math.hypot(...vector);
      if (entry.steps) {
        const column = axis => length(entry.steps.map(line => line[axis]));
        return [column(1) * entry.factors[0], column(0) * entry.factors[1], column(2) * entry.factors[2]];
      }
      if (!data.spacing) return null;
      const [x, y, z] = data.spacing;
      return [y * entry.factors[0], x * entry.factors[1], z * entry.factors[2]];
    };
    const letters = [["L", "R"], ["P", "A"], ["S", "I"]];
    /* The letters of the direction in which an axis (y, x, z) of the array runs: two if it is tilted by over 15 degrees. */
    const directionOf = (entry, axis) => {
      const column = [1, 0, 2][axis];
      if (!entry.steps && !data.is_lps) return null;
      const vector = entry.steps ? entry.steps.map(line => line[column]) : [0, 1, 2].map(k => Number(k === column));
      const norm = Math.hypot(...vector);
      return [0, 1, 2].filter(k => Math.abs(vector[k]) > 0.26 * norm)
        .sort((one, other) => Math.abs(vector[other]) - Math.abs(vector[one]))
        .map(k => [k, vector[k] < 0 ? 1 : 0]);
    };
    const lettersOf = (direction, isReversed) =>
      direction ? direction.map(([k, side]) => letters[k][isReversed ? 1 - side : side]).join("") : "";

    /* The open case. */
    const panel = find(".panel");
    const view = {position: [0, 0, 0], window: 0, heat: -1, opacity: 0.6, isSmooth: true, plane: "axial"};
    let loaded = null, heat = null;
    const open = async (place, moves) => {
      const isFirst = current === null;
      current = place;
      markCurrent();
      const entry = await decode(place);
      if (current !== place) return;
      loaded = entry;
      view.position = nearest(entry, centreOf(entry));
      view.window = Math.min(view.window, windowsOf(entry).length - 1);
      panel.hidden = false;
      showAnswers();
      showTools();
      await loadHeat();
      draw();
      if (moves && !isFirst) panel.scrollIntoView({block: "nearest"});
      if (moves) panel.focus({preventScroll: true});
    };
    const loadHeat = async () => {
      const place = current, network = view.heat;
      const next = network < 0 ? null : await decodeHeat(place, network);
      if (place === current && network === view.heat) heat = next;
    };
    const markCurrent = () => {
      for (const button of section.querySelectorAll(".thumbs button")) {
        button.setAttribute("aria-current", Number(button.dataset.place) === current);
      }
    };
    const turn = step => {
      const embedded = embeddedPlaces();
      if (!embedded.length) return;
      const place = embedded.indexOf(current);
      open(embedded[place < 0 ? 0 : (place + step + embedded.length) % embedded.length], false);
    };
    const showAnswers = () => {
      const {row} = loaded, table = document.createElement("table"), head = document.createElement("tr");
      find(".case-name").textContent = `${data.names[row]}, true class ${quoted(data.truth[row])}`;
      const shown = isBinary ? [data.classes[data.positive]] : data.classes;
      head.append(...["network", ...shown.map(name => `p of ${name}`), "prediction"].map(text => cell("th", text)));
      table.append(head, ...data.networks.map(({name}, network) => {
        const line = document.createElement("tr"), score = scoreOf(network, row);
        const column = Object.keys(data.columns).find(key =>
          data.columns[key][0] === network && data.columns[key][1] === data.set[row]);
        const predicted = predictedBy(network, thresholds[column], row), isWrong = predicted !== data.truth[row];
        const each = isBinary ? [score] : score;
        const verdict = cell("td", `${data.classes[predicted]}, ${isWrong ? "wrong" : "right"}` +
          (isBinary ? ` at ${thresholdText(thresholds[column])}` : ""));
        if (isWrong) verdict.className = "missed";
        line.append(cell("td", name), ...each.map(value => cell("td", probabilityText(value))), verdict);
        return line;
      }));
      find(".answers").replaceChildren(table);
      markWideTables();
    };
    const toolButton = (text, isPressed, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-pressed", isPressed);
      button.addEventListener("click", act);
      return button;
    };
    const useWindow = number => {
      if (!loaded || number >= windowsOf(loaded).length) return;
      view.window = number;
      showTools();
      draw();
    };
    const useHeat = async network => {
      view.heat = network;
      showTools();
      await loadHeat();
      draw();
    };
    const toggleHeat = () => {
      const able = loaded.heat.map((one, network) => one ? network : -1).filter(network => network >= 0);
      const next = able[able.indexOf(view.heat) + 1];
      return useHeat(able.includes(view.heat) ? next ?? -1 : able[0] ?? -1);
    };
    const showTools = () => {
      const focus = document.activeElement?.dataset?.tool;
      find(".windows").replaceChildren(...windowsOf(loaded).map(({name, low, high}, number) => {
        const button = toolButton(`${name} ${low.toLocaleString("en-US")} to ${high.toLocaleString("en-US")}`.replaceAll("-", minus),
          number === view.window, () => useWindow(number));
        button.dataset.tool = `window ${number}`;
        return button;
      }));
      find(".heats").replaceChildren(...data.networks.flatMap(({name}, network) => {
        if (!loaded.heat[network]) return [];
        const text = data.networks.length > 1 ? `heat map of ${name}` : "heat map";
        const button = toolButton(text, network === view.heat, () => useHeat(view.heat === network ? -1 : network));
        button.dataset.tool = `heat ${network}`;
        return [button];
      }));
      find(".opacity").hidden = !loaded.heat.some(Boolean);
      if (focus) find(`[data-tool="${focus}"]`)?.focus();
    };
    const showHeatNote = () => {
      const note = find(".heat-note");
      note.replaceChildren();
      if (view.heat < 0) return;
      const {name} = data.networks[view.heat];
      if (!heat) {
        note.textContent = `This case has no heat map of ${name}.`;
      } else if (!heat.numbers.some(Boolean)) {
        note.textContent = `Grad-CAM of ${name} finds no evidence for ${quoted(heat.label)} in this case.`;
      } else {
        const scale = document.createElement("span");
        scale.className = "heat-scale";
        note.append(`Evidence for ${quoted(heat.label)} in ${name} (Grad-CAM): 0 `, scale, " largest value in this case");
      }
    };

    /* Heat: linear between the features, constant beyond the outermost ones. */
    const heatAt = (index, entry) => {
      const corners = [];
      for (let axis = 0; axis < 3; axis++) {
        const voxel = (index[axis] + 0.5) * entry.factors[axis] - 0.5;
        if (axis === 2 && heat.flat) {
          if (heat.slice >= 0 && Math.abs(voxel - heat.slice) > entry.factors[axis] / 2) return 0;
          corners.push([0, 0, 0]);
          continue;
        }
        const last = heat.shape[axis] - 1;
        const place = Math.min(last, Math.max(0, (voxel - heat.starts[axis]) / heat.steps[axis]));
        const lower = Math.floor(place);
        corners.push([lower, Math.min(lower + 1, last), place - lower]);
      }
      let sum = 0;
      for (let corner = 0; corner < 8; corner++) {
        let weight = 1;
        const at = corners.map(([lower, upper, share], axis) => {
          const isUpper = corner >> axis & 1;
          weight *= isUpper ? share : 1 - share;
          return isUpper ? upper : lower;
        });
        if (weight) sum += weight * heat.numbers[numberAt(heat, at)];
      }
      return sum / 255;
    };
    const shadeOf = entry => heat && ((index) => {
      const value = heatAt(index, entry);
      return [view.opacity * Math.min(1, 1.5 * value), 255, 200 - 140 * value];
    });

    const draw = () => {
      const shade = shadeOf(loaded), limits = windowsOf(loaded)[view.window], sizes = millimetres(loaded) ?? [1, 1, 1];
      const [height, , depth] = loaded.shape.map((length, axis) => length * sizes[axis]);
      find(".planes").classList.toggle("tall", depth > height / 2);
      for (const figure of section.querySelectorAll(".plane")) {
        const {plane} = figure.dataset;
        figure.hidden = plane !== "axial" && loaded.shape[2] === 1;
        if (!figure.hidden) drawPlane(figure, plane, limits, shade);
      }
      find(".position").textContent = positionText();
      showHeatNote();
    };
    const resolution = 2;
    const drawPlane = (figure, plane, limits, shade) => {
      const canvas = figure.querySelector("canvas"), {across, down, through} = planes[plane];
      const sizes = millimetres(loaded) ?? [1, 1, 1];
      const largest = Math.max(loaded.shape[0] * sizes[0], loaded.shape[1] * sizes[1], loaded.shape[2] * sizes[2]);
      const zoom = 400 / largest;
      const width = Math.max(24, Math.round(loaded.shape[across] * sizes[across] * zoom));
      const height = Math.max(24, Math.round(loaded.shape[down] * sizes[down] * zoom));
      canvas.width = width * resolution;
      canvas.height = height * resolution;
      canvas.style.width = `${width}px`;
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = view.isSmooth;
      context.imageSmoothingQuality = "high";
      context.drawImage(paint(loaded, plane, view.position[through], limits, shade), 0, 0, canvas.width, canvas.height);
      drawMarks(context, canvas, plane, sizes);
      const slider = figure.querySelector("input"), text = sliceText(plane);
      slider.max = loaded.shape[through] - 1;
      slider.value = view.position[through];
      slider.setAttribute("aria-valuetext", text);
      slider.parentElement.hidden = loaded.shape[2] === 1;
      figure.querySelector("output").textContent = text;
      canvas.setAttribute("aria-label", `${plane} plane, ${text}, ${limits.name} window` +
        (data.mark ? `, ${data.mark} marked by a ring` : ""));
    };
    const toCanvas = (canvas, plane, position) => {
      const {across, down, isFlipped} = planes[plane];
      const v = isFlipped ? loaded.shape[down] - 1 - position[down] : position[down];
      return [(position[across] + 0.5) / loaded.shape[across] * canvas.width,
        (v + 0.5) / loaded.shape[down] * canvas.height];
    };
    const drawMarks = (context, canvas, plane, sizes) => {
      const {across, down, through, isFlipped} = planes[plane], unit = resolution;
      const line = (points, colour, width, dash = []) => {
        context.setLineDash(dash);
        for (const [stroke, extra] of [["rgb(0 0 0 / .35)", unit], [colour, 0]]) {
          context.strokeStyle = stroke;
          context.lineWidth = width + extra;
          context.beginPath();
          points(context);
          context.stroke();
        }
        context.setLineDash([]);
      };
      const [x, y] = toCanvas(canvas, plane, view.position), gap = 9 * unit;
      line(path => {
        for (const [x0, y0, x1, y1] of [[0, y, x - gap, y], [x + gap, y, canvas.width, y],
          [x, 0, x, y - gap], [x, y + gap, x, canvas.height]]) {
          path.moveTo(x0, y0);
          path.lineTo(x1, y1);
        }
      }, "rgb(86 200 255)", unit / 2);
      const centre = centreOf(loaded);
      if (data.mark) {
        const [cx, cy] = toCanvas(canvas, plane, centre);
        const isHere = Math.abs(view.position[through] - centre[through]) <= 0.5;
        line(path => path.arc(cx, cy, 14 * unit, 0, 2 * Math.PI), isHere ? "rgb(240 228 66)" : "rgb(240 228 66 / .45)",
          1.2 * unit, isHere ? [] : [4 * unit, 4 * unit]);
      }
      context.font = `${12 * unit}px system-ui, sans-serif`;
      context.lineJoin = "round";
      const write = (text, left, top, align) => {
        context.textAlign = align;
        context.textBaseline = "middle";
        context.lineWidth = 3 * unit;
        context.strokeStyle = "rgb(0 0 0 / .8)";
        context.strokeText(text, left, top);
        context.fillStyle = "#fff";
        context.fillText(text, left, top);
      };
      const horizontal = directionOf(loaded, across), vertical = directionOf(loaded, down), edge = 5 * unit;
      write(lettersOf(horizontal, true), edge, canvas.height / 2, "left");
      write(lettersOf(horizontal, false), canvas.width - edge, canvas.height / 2, "right");
      if (canvas.height > 60 * unit) {
        write(lettersOf(vertical, !isFlipped), canvas.width / 2, 9 * unit, "center");
        write(lettersOf(vertical, isFlipped), canvas.width / 2, canvas.height - 9 * unit, "center");
      }
      const isKnown = millimetres(loaded) !== null, extent = loaded.shape[across] * sizes[across];
      const bar = [200, 100, 50, 20, 10, 5, 2, 1].find(length => length <= extent / 3);
      if (!bar) return;
      const length = bar / extent * canvas.width, bottom = canvas.height - 6 * unit;
      line(path => {
        path.moveTo(edge, bottom);
        path.lineTo(edge + length, bottom);
      }, "#fff", 1.5 * unit);
      write(isKnown ? `${bar} mm` : `${bar} voxels`, edge, bottom - 9 * unit, "left");
    };

    const fixed = (value, digits = 1) => value.toFixed(digits).replace("-", minus);
    const fullOffset = () => view.position.map((value, axis) =>
      (value + 0.5) * loaded.factors[axis] - 0.5 - Math.floor(loaded.size[axis] / 2));
    const worldPosition = () => {
      if (!loaded.centre) return null;
      const [y, x, z] = fullOffset();
      return loaded.centre.map((value, k) =>
        value + loaded.steps[k][0] * x + loaded.steps[k][1] * y + loaded.steps[k][2] * z);
    };
    const sliceText = plane => {
      const {through} = planes[plane];
      return `slice ${view.position[through] + 1} of ${loaded.shape[through]}`;
    };
    const positionText = () => {
      const [y, x, z] = view.position, parts = [], world = worldPosition();
      const raw = loaded.numbers[numberAt(loaded, view.position)] * loaded.factor + loaded.offset;
      const digits = loaded.is_hu || Math.abs(loaded.window[1] - loaded.window[0]) > 20 ? 0 : 3;
      parts.push(`value ${fixed(raw, digits)}${loaded.is_hu ? " HU" : ""}`);
      if (loaded.slices) {
        const slice = loaded.slices[0] + fullOffset()[2] * loaded.slices[1] + 1;
        parts.push(`slice ${fixed(slice, Number.isInteger(slice) ? 0 : 1)} of the scan's ${loaded.slices[2]}`);
      }
      if (world) parts.push(`position ${world.map(value => fixed(value)).join(", ")} mm (x, y, z; LPS)`);
      parts.push(`voxel ${x}, ${y}${loaded.shape[2] > 1 ? `, ${z}` : ""}`);
      return parts.join(" · ");
    };

    /* Hands. */
    const step = (plane, by) => {
      const {through} = planes[plane], before = view.position[through];
      view.position[through] = Math.min(loaded.shape[through] - 1, Math.max(0, before + by));
      if (view.position[through] === before) return false;
      draw();
      return true;
    };
    const moveTo = (canvas, plane, event) => {
      const box = canvas.getBoundingClientRect(), {across, down, isFlipped} = planes[plane];
      const place = (value, length) => Math.min(length - 1, Math.max(0, Math.floor(value * length)));
      const v = place((event.clientY - box.top) / box.height, loaded.shape[down]);
      view.position[across] = place((event.clientX - box.left) / box.width, loaded.shape[across]);
      view.position[down] = isFlipped ? loaded.shape[down] - 1 - v : v;
      draw();
    };
    let armed = null;
    addEventListener("scroll", () => { armed = null; }, {passive: true});
    for (const figure of section.querySelectorAll(".plane")) {
      const {plane} = figure.dataset, canvas = figure.querySelector("canvas");
      let touch = null;
      canvas.addEventListener("focus", () => { view.plane = plane; });
      canvas.addEventListener("pointerdown", event => {
        view.plane = plane;
        canvas.setPointerCapture(event.pointerId);
        touch = event.pointerType === "touch" ? {x: event.clientX, slice: view.position[planes[plane].through], moved: false} : null;
        if (!touch) moveTo(canvas, plane, event);
      });
      canvas.addEventListener("pointermove", event => {
        if (event.movementX || event.movementY) armed = canvas;
        if (!canvas.hasPointerCapture(event.pointerId)) return;
        if (!touch) return moveTo(canvas, plane, event);
        const {through} = planes[plane];
        const slices = Math.round((event.clientX - touch.x) / Math.max(8, canvas.clientWidth / loaded.shape[through]));
        if (slices) touch.moved = true;
        if (touch.moved) step(plane, touch.slice + slices - view.position[through]);
      });
      canvas.addEventListener("pointerup", event => {
        if (touch && !touch.moved) moveTo(canvas, plane, event);
        touch = null;
      });
      canvas.addEventListener("wheel", event => {
        if (armed !== canvas || event.ctrlKey || !event.deltaY) return;
        if (step(plane, Math.sign(event.deltaY))) event.preventDefault();
      }, {passive: false});
      figure.querySelector("input").addEventListener("input", event =>
        step(plane, Number(event.target.value) - view.position[planes[plane].through]));
    }
    const centre = () => {
      view.position = nearest(loaded, centreOf(loaded));
      draw();
    };
    const keys = {
      n: () => turn(1), p: () => turn(-1), h: toggleHeat, c: centre,
      1: () => useWindow(0), 2: () => useWindow(1), 3: () => useWindow(2), 4: () => useWindow(3),
    };
    const arrows = {ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1};
    panel.addEventListener("keydown", event => {
      if (event.ctrlKey || event.altKey || event.metaKey || !loaded) return;
      if (event.key in arrows && !event.target.matches("input")) {
        event.preventDefault();
        step(event.target.closest(".plane")?.dataset.plane ?? view.plane, arrows[event.key]);
      } else if (event.key in keys) {
        event.preventDefault();
        keys[event.key]();
      }
    });
    for (const button of section.querySelectorAll("[data-turn]")) {
      button.addEventListener("click", () => turn(Number(button.dataset.turn)));
    }
    find(".centre").addEventListener("click", centre);
    find(".smooth").addEventListener("click", ({target}) => {
      view.isSmooth = !view.isSmooth;
      target.setAttribute("aria-pressed", view.isSmooth);
      draw();
    });
    find(".opacity input").addEventListener("input", ({target}) => {
      view.opacity = target.value / 100;
      draw();
    });

    /* What selects: buttons, cells of matrices, bars, stretches of the ROC curve. */
    for (const button of section.querySelectorAll("[data-preset]")) {
      button.addEventListener("click", () => choose(data.presets[button.dataset.preset]));
    }
    for (const bound of section.querySelectorAll("[data-bound]")) {
      bound.addEventListener("change", () => {
        const [low, high] = ["low", "high"].map(name => find(`[data-bound="${name}"]`).value);
        if (low === "" && high === "") return without("range")();
        const network = selection.range?.network ?? data.columns[selection.column]?.[0] ?? 0;
        choose({...selection, range: {...selection.range, network, low: Number(low || 0), high: Number(high === "" ? 1 : high)}});
      });
    }
    const pickers = [];
    const makePicker = (holder, label, makes) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...holder.childNodes);
      holder.append(button);
      button.setAttribute("aria-label", label());
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => chooseAndGo(makes()));
      pickers.push({button, makes, label});
    };
    for (const matrix of document.querySelectorAll("table.matrix[data-column]")) {
      const column = columnOf(matrix.dataset.column);
      if (column === undefined) continue;
      for (const one of matrix.querySelectorAll("td[data-truth]")) {
        const [truth, predicted] = [Number(one.dataset.truth), Number(one.dataset.predicted)];
        makePicker(one, () => `${column}: ${one.textContent.trim().replace(/\s+/g, " ")}, true class ${quoted(truth)}, ` +
          `predicted ${quoted(predicted)}. Show these cases`, () => ({column, truth, predicted}));
      }
    }
    for (const figure of section.querySelectorAll(".histogram")) {
      const network = Number(figure.dataset.network), label = Number(figure.dataset.label);
      for (const bar of figure.querySelectorAll("[data-bin]")) {
        const low = bar.dataset.bin / 10, high = (Number(bar.dataset.bin) + 1) / 10;
        makePicker(bar, () => `${bar.textContent.trim()} cases of true class ${quoted(label)} with a score of ${low} to ${high}. Show them`,
          () => ({set: data.reported, truth: label, range: {network, low, high}}));
      }
    }
    const live = document.getElementById("live");
    live?.addEventListener("thresholds", () => {
      for (const matrix of live.querySelectorAll("table.matrix[data-threshold]")) {
        if (matrix.dataset.column in thresholds) thresholds[matrix.dataset.column] = Number(matrix.dataset.threshold);
      }
      for (const {button, label} of pickers) button.setAttribute("aria-label", label());
      const depends = selection.predicted ?? selection.correct ?? selection.right ?? selection.wrong;
      if (depends !== undefined) showSelection();
      if (loaded) showAnswers();
    });

    /* A stretch of the ROC curve that a mouse is dragged along: the scores between the false-positive rates at its ends. */
    const square = live?.querySelector("[data-side]");
    if (square && isBinary && data.total === rows.length) {
      const roc = square.ownerSVGElement;  /* a group has no events where nothing is painted */
      roc.classList.add("selectable");
      find(".by-curve").hidden = false;
      const {left, top, side} = Object.fromEntries(["left", "top", "side"].map(key => [key, Number(square.dataset[key])]));
      const place = event => {
        const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(square.getScreenCTM().inverse());
        return [(point.x - left) / side, 1 - (point.y - top) / side];
      };
      const scoresOf = (column, isPositive) => {
        const [network, part] = data.columns[column];
        return rows.filter(row => data.set[row] === part && (data.truth[row] === data.positive) === isPositive)
          .map(row => scoreOf(network, row)).sort((one, other) => other - one);
      };
      /* Each curve: the sorted scores of its negatives, and its corners as (false-positive rate, recall). */
      const curveOf = column => {
        const positives = scoresOf(column, true), negatives = scoresOf(column, false), corners = [[0, 0]];
        for (let p = 0, n = 0; p < positives.length || n < negatives.length;) {
          const cut = Math.max(positives[p] ?? -Infinity, negatives[n] ?? -Infinity);
          while (positives[p] === cut) p++;
          while (negatives[n] === cut) n++;
          corners.push([n / negatives.length, p / positives.length]);
        }
        return {column, negatives, corners, isKnown: positives.length > 0 && negatives.length > 0};
      };
      let curves = null;
      const findCurves = () => {
        const isReported = ({column}) => data.columns[column][1] === data.reported;
        return Object.keys(data.columns).map(curveOf).filter(({isKnown}) => isKnown)
          .sort((one, other) => isReported(other) - isReported(one));
      };
      const distanceOf = ({corners}, [x, y]) => {
        let least = Infinity;
        for (let k = 1; k < corners.length; k++) {
          const [x0, y0] = corners[k - 1], dx = corners[k][0] - x0, dy = corners[k][1] - y0;
          const share = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
          least = Math.min(least, Math.hypot(x - x0 - share * dx, y - y0 - share * dy));
        }
        return least;
      };
      /* The curve along the pointer's path. Where curves coincide, that of the reported set, then that of the first network. */
      const nearestCurve = () => curves[sums.findIndex(sum => sum <= Math.min(...sums) + 1e-6)];
      const extendPath = (x, y) => {
        ends[1] = x;
        curves.forEach((curve, k) => { sums[k] += distanceOf(curve, [x, y]); });
      };
      const cutAt = (negatives, rate) => negatives[Math.min(negatives.length - 1, Math.floor(rate * negatives.length))];
      const svgElement = (tag, attributes) => {
        const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
        square.append(one);
        return one;
      };
      let ends = null, sums = null, shape = null, label = null;
      const clamp = value => Math.min(1, Math.max(0, value));
      const stretchOf = () => [...ends].sort((one, other) => one - other);
      const endDrag = () => {
        shape?.remove();
        label?.remove();
        ends = sums = shape = label = null;
      };
      roc.addEventListener("pointerdown", event => {
        const found = place(event), [x, y] = found.map(clamp), slack = 0.03;  /* a curve may follow the edge */
        if (event.pointerType === "touch" || Math.hypot(found[0] - x, found[1] - y) > slack) return;
        curves ??= findCurves();
        if (!curves.length) return;
        ends = [x, x];
        sums = curves.map(() => 0);
        extendPath(x, y);
        shape = svgElement("rect", {y: top, height: side, x: left + side * x, width: 0, class: "stretch"});
        label = svgElement("text", {y: top + side - 10, x: left + side / 2, "text-anchor": "middle", class: "stretch-label"});
        roc.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      roc.addEventListener("pointermove", event => {
        if (!ends) return;
        extendPath(...place(event).map(clamp));
        const [low, high] = stretchOf(), {column} = nearestCurve();
        shape.setAttribute("x", left + side * low);
        shape.setAttribute("width", side * (high - low));
        label.textContent = `${data.networks.length > 1 ? column : `${column} set`}, rate ${low.toFixed(2)} to ${high.toFixed(2)}`;
      });
      roc.addEventListener("pointercancel", endDrag);
      roc.addEventListener("pointerup", () => {
        if (!ends) return;
        const [low, high] = stretchOf(), {column, negatives} = nearestCurve();
        endDrag();
        if (high - low < 0.01) return;
        const [network, set] = data.columns[column];
        const upper = low <= 0 ? 1 : cutAt(negatives, low);
        chooseAndGo({set, range: {network, low: high >= 1 ? 0 : cutAt(negatives, high), high: Math.max(upper, cutAt(negatives, high))}});
      });
    }

    document.documentElement.classList.add("has-viewer");
    find(".browser").hidden = false;
    new IntersectionObserver((entries, observer) => {
      if (!entries.some(entry => entry.isIntersecting)) return;
      observer.disconnect();
      if (!voxels) choose(data.presets[0]);
      const [first] = embeddedPlaces();
      if (first !== undefined && current === null) open(first, false);
    }, {rootMargin: "200px"}).observe(find(".browser"));
  }
}
