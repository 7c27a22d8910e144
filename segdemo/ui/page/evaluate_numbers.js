// The numbers of an evaluation: tables, the confusion matrix, curves and the reliability diagram; each opens its pixels.
((sd) => {
  "use strict";

  const SPACE = "http://www.w3.org/2000/svg";
  const MOST_CLASSES = 12;

  const svg = (tag, attributes) => {
    const node = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    return node;
  };
  const share = (value) => (value === null || value === undefined ? "–" : sd.percent(value));
  sd.pixelCount = (count) => `${count.toLocaleString("en-US")} px`;

  /** A number that opens pixels; marked while they are shown. */
  const opener = (context, which, label, ...children) => {
    const button = sd.element("button", { type: "button", class: "sd-opener", "aria-label": label, title: label, "aria-pressed": "false" }, ...children);
    button.dataset.pixels = which.join(",");
    button.addEventListener("click", () => context.open(which));
    return button;
  };

  const headRow = (names) => sd.element("thead", {}, sd.element("tr", {},
    ...names.map((text, index) => sd.element("th", { scope: "col", text, class: index ? "sd-number" : "" }))));
  const cell = (text) => sd.element("td", { class: "sd-number", text });
  const table = (caption, names, rows) => sd.element("div", { class: "sd-table-wrap", tabindex: "0", role: "region", "aria-label": caption },
    sd.element("table", { class: "sd-table" }, sd.element("caption", { class: "sd-hidden", text: caption }), headRow(names), sd.element("tbody", {}, ...rows)));

  const classTable = (context) => {
    const { figures, names } = context.evaluation;
    const panoptic = figures.panoptic !== null;
    const rows = [...figures.classes].sort((one, two) => two.true_pixels - one.true_pixels).map((entry) => {
      const known = names.get(entry.id);
      const button = opener(context, ["class", entry.id], `Show the pixels that are ${entry.label}, or were predicted so`,
        ...(known ? [sd.chip(known.color, known.isthing)] : []), sd.element("span", { text: entry.label }));
      return sd.element("tr", {}, sd.element("td", {}, button), cell(share(entry.iou)), cell(share(entry.accuracy)), cell(share(entry.boundary_f)),
        ...(panoptic ? [cell(share(entry.panoptic?.pq))] : []), cell(share(entry.true_pixels / Math.max(1, figures.labelled_pixels))));
    });
    return table("Scores by class, the largest first", ["Class", "IoU", "Accuracy", "Boundary F", ...(panoptic ? ["PQ"] : []), "Area"], rows);
  };

  const matrixOf = (context, most) => {
    const { confusion } = context.evaluation.figures;
    const total = new Map(confusion.classes.map(({ id }) => [id, 0]));
    const truth = new Map(total);
    const count = new Map();
    for (const [is, found, pixels] of confusion.cells) {
      total.set(is, total.get(is) + pixels);
      if (is !== found) total.set(found, total.get(found) + pixels);
      truth.set(is, truth.get(is) + pixels);
      count.set(`${is},${found}`, pixels);
    }
    const shown = [...confusion.classes].sort((one, two) => total.get(two.id) - total.get(one.id)).slice(0, most);
    const rows = shown.filter(({ id }) => truth.get(id)).map((is) => sd.element("tr", {},
      sd.element("th", { scope: "row", text: is.label }),
      ...shown.map((found) => {
        const pixels = count.get(`${is.id},${found.id}`);
        const box = sd.element("td", { class: is.id === found.id ? "sd-hit" : "" });
        if (!pixels) return box;
        const part = pixels / truth.get(is.id);
        box.style.setProperty("--sd-part", `${Math.round(Math.sqrt(part) * 70)}%`);
        box.append(opener(context, ["cell", is.id, found.id], `Is ${is.label}, predicted ${found.label}: ${sd.pixelCount(pixels)}, ${sd.percent(part)} of ${is.label}`,
          sd.element("span", { text: part < 0.005 ? "<1" : String(Math.round(part * 100)) })));
        return box;
      })));
    const head = sd.element("tr", {}, sd.element("th", { scope: "col", class: "sd-corner", text: "is ↓  predicted →" }),
      ...shown.map(({ label }) => sd.element("th", { scope: "col" }, sd.element("span", { class: "sd-upright", text: label }))));
    return sd.element("div", { class: "sd-matrix-wrap", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
      sd.element("table", { class: "sd-matrix" }, sd.element("caption", { class: "sd-hidden", text: "Confusion matrix: per cent of each true class" }),
        sd.element("thead", {}, head), sd.element("tbody", {}, ...rows)));
  };
  /** The largest classes at first, and all of them on request. */
  const matrix = (context) => {
    const count = context.evaluation.figures.confusion.classes.length;
    const small = matrixOf(context, MOST_CLASSES);
    if (count <= MOST_CLASSES) return [small];
    const words = sd.element("span", { text: `The ${MOST_CLASSES} largest classes of ${count}.` });
    const all = sd.button(`Show all ${count}`, () => {
      small.replaceWith(matrixOf(context, count));
      words.textContent = `All ${count} classes.`;
      all.remove();
      context.mark();
    }, "sd-link");
    return [small, sd.element("p", { class: "sd-help" }, words, " ", all)];
  };

  const layers = (context) => {
    const { figures } = context.evaluation;
    if (figures.no_layers) return [sd.element("p", { class: "sd-note-text", text: figures.no_layers })];
    /** @param {string} label @param {[string, (layer: any) => number|null|undefined][]} lines */
    const plot = (label, lines) => {
      const series = lines.map(([name, of]) => ({ name, values: figures.layers.map((layer) => of(layer) ?? null) }))
        .filter(({ values }) => values.some((value) => value !== null));
      return series.length ? [sd.linePlot({ label, series, chosen: null })] : [];
    };
    const classes = figures.classes.filter(({ iou }) => iou !== null).sort((one, two) => two.true_pixels - one.true_pixels)
      .map(({ id, label }) => ({ key: `class,${id}`, name: `IoU of ${label}`, of: (layer) => layer.classes.find((entry) => entry.id === id)?.iou }));
    const slices = figures.slices.flatMap(({ by, slices: parts }) => parts.map(({ pixels }, place) => pixels && ({
      key: `slice,${by},${place}`, name: `Accuracy, ${sd.pixelWords(context.evaluation, ["slice", by, place])}`, of: (layer) => layer.slices.find((entry) => entry.by === by)?.accuracy[place],
    })).filter(Boolean));
    const choices = [...classes, ...slices];
    const place = sd.element("div", {});
    const showOne = (key) => {
      const { name, of } = choices.find((entry) => entry.key === key);
      place.replaceChildren(...plot(`${name}, by layer`, [[name, of]]));
    };
    const select = sd.select({ label: "One class or slice", options: choices.map(({ key, name }) => [key, name]), onChange: showOne });
    if (choices.length) showOne(choices[0].key);
    return [
      ...plot("Pixel accuracy and mean IoU, by layer", [["pixel accuracy", (layer) => layer.pixel_accuracy], ["mIoU", (layer) => layer.miou]]),
      ...plot("Frequency-weighted IoU and boundary F, by layer", [["frequency-weighted IoU", (layer) => layer.frequency_weighted_iou], ["boundary F", (layer) => layer.boundary_f]]),
      ...plot("Panoptic quality, by layer", [["PQ", (layer) => layer.panoptic?.pq], ["SQ", (layer) => layer.panoptic?.sq], ["RQ", (layer) => layer.panoptic?.rq]]),
      ...plot("Expected calibration error, by layer", [["ECE", (layer) => layer.ece]]),
      ...(choices.length ? [select, place] : []),
      sd.element("p", { class: "sd-help", text: "Wrong after layer:" }),
      sd.element("div", { class: "sd-layer-row" }, ...figures.layers.map(({ layer }) =>
        opener(context, ["layer", layer], `Show what is wrong after layer ${layer}`, sd.element("span", { text: String(layer) })))),
    ];
  };

  const reliability = (context) => {
    const { bins } = context.evaluation.figures.calibration;
    const [width, height, left, bottom, top] = [360, 200, 40, 28, 8];
    const x = (value) => left + value * (width - left - 8);
    const y = (value) => top + (1 - value) * (height - top - bottom);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "sd-plot sd-reliability", role: "group", "aria-label": "Reliability diagram: accuracy by probability" });
    const text = (value, attributes) => {
      const node = svg("text", { class: "sd-plot-text", ...attributes });
      node.textContent = value;
      root.append(node);
    };
    for (const value of [0, 0.5, 1]) {
      root.append(svg("line", { x1: x(0), x2: x(1), y1: y(value), y2: y(value), class: "sd-plot-grid" }));
      text(`${value * 100} %`, { x: left - 6, y: y(value) + 4, "text-anchor": "end" });
      text(`${value * 100} %`, { x: x(value), y: height - 14, "text-anchor": value === 1 ? "end" : "middle" });
    }
    text("probability", { x: x(0.5), y: height - 2, "text-anchor": "middle" });
    const most = Math.max(...bins.map(({ pixels }) => pixels));
    bins.forEach((bin, place) => {
      if (!bin.pixels) return;
      const words = `Probability ${sd.wholePercent(bin.low)} to ${sd.wholePercent(bin.high)}: ${sd.percent(bin.accuracy)} right, ${sd.percent(bin.confidence)} expected, ${sd.pixelCount(bin.pixels)}`;
      const group = svg("g", { role: "button", tabindex: 0, class: "sd-bin", "aria-label": words, "aria-pressed": "false" });
      group.dataset.pixels = `bin,${place}`;
      const [from, to] = [x(bin.low) + 1, x(bin.high) - 1];
      group.append(
        svg("rect", { x: from, y: y(1), width: to - from, height: y(0) - y(1), class: "sd-bin-reach" }),
        svg("rect", { x: from, y: y(bin.accuracy), width: to - from, height: y(0) - y(bin.accuracy), class: "sd-bin-bar", "fill-opacity": 0.35 + 0.65 * Math.sqrt(bin.pixels / most) }),
        svg("line", { x1: from, x2: to, y1: y(bin.confidence), y2: y(bin.confidence), class: "sd-bin-expected" }));
      const title = svg("title", {});
      title.textContent = words;
      group.append(title);
      group.addEventListener("click", () => context.open(["bin", place]));
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        context.open(["bin", place]);
      });
      root.append(group);
    });
    root.append(svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "sd-plot-chosen" }));
    return [sd.element("figure", { class: "sd-figure" }, root, sd.plotSaver(root, "reliability")),
      sd.element("p", { class: "sd-help", text: "Bars: how much is right. Marks: how much was expected. Darker bars stand for more pixels." })];
  };

  const BY = { area: "By size of the true region", distance: "By distance to a true border", confidence: "By probability of the class" };
  const slices = (context) => context.evaluation.figures.slices.map(({ by, slices: parts }) => table(BY[by], [BY[by], "Right", "Pixels"],
    parts.map((part, place) => sd.element("tr", {},
      sd.element("td", {}, part.pixels ? opener(context, ["slice", by, place], `Show the pixels: ${sd.sliceWords(by, part)}`, sd.element("span", { text: sd.sliceWords(by, part) })) : sd.element("span", { class: "sd-faint", text: sd.sliceWords(by, part) })),
      cell(share(part.accuracy)), cell(part.pixels.toLocaleString("en-US"))))));

  const suspects = (context) => {
    const found = context.evaluation.figures.suspects;
    if (!found.length) return [sd.element("p", { class: "sd-note-text", text: "None: nowhere away from borders is the network sure of another class than the label's." })];
    return [table("Label suspects, the most striking first", ["Label → network", "Network", "Label", "Pixels"], found.map((suspect, place) => sd.element("tr", {},
      sd.element("td", {}, opener(context, ["suspect", place], `Show where the label says ${suspect.labelled_label} and the network ${suspect.predicted_label}`,
        sd.element("span", { text: `${suspect.labelled_label} → ${suspect.predicted_label}` }))),
      cell(share(suspect.confidence)), cell(share(suspect.label_probability)), cell(suspect.area.toLocaleString("en-US")))))];
  };

  /** @type {[string, string, string, Function][]} id, title, explanation, content */
  const PARTS = [
    ["classes", "By class", "IoU: pixels that are and were called so, over those that are or were. Accuracy: the share of a class's pixels that got it. Boundary F: how well the outlines of a class meet the true ones, within the width above. PQ: over objects.", (context) => [classTable(context)]],
    ["matrix", "Confusion matrix", "A row is a true class, a column what it was predicted as; numbers are per cent of the row. A cell opens its pixels.", matrix],
    ["layers", "By decoder layer", "The same measures for the prediction after every decoder layer, always for the semantic map without refinement.", layers],
    ["calibration", "Calibration", "Whether the network is as sure as it is right. Pixels are grouped by the probability of their class into 15 bins; the expected calibration error (ECE) is the mean distance between how sure and how right they are (Guo et al., 2017). Of the network's semantic map, before any refinement.", reliability],
    ["slices", "Slices", "Accuracy for parts of the photo: small and large regions, near borders and away from them, sure and unsure. Few pixels say little.", slices],
    ["suspects", "Label suspects", "Regions away from borders where the network is sure of another class and thinks the label's improbable. The label may be wrong.", suspects],
  ];

  /**
   * @param {any} context {evaluation, open: (which) => void}
   * @param {Set<string>} unfolded ids of the parts that are open; kept up to date
   */
  sd.numberParts = (context, unfolded) => PARTS.map(([id, title, explanation, content]) => {
    const [button, text] = sd.info(title, explanation);
    const body = sd.element("div", { class: "sd-part-body" }, sd.element("div", { class: "sd-row" }, button), text);
    const part = sd.element("details", { class: "sd-part", "data-part": id }, sd.element("summary", { text: title }), body);
    let filled = false;
    const fill = () => {
      if (part.open) unfolded.add(id);
      else unfolded.delete(id);
      if (!part.open || filled) return;
      filled = true;
      body.append(...content(context));
      context.mark();
    };
    part.addEventListener("toggle", fill);
    part.open = unfolded.has(id);
    return part;
  });

  const ABOUT = {
    accuracy: "The share of the labelled pixels that got their class.",
    fwiou: "The mean IoU with every class weighed by its pixels.",
    pq: "Panoptic quality: segmentation quality (SQ, the mean IoU of matched segments) times recognition quality (RQ, how many segments matched). Kirillov et al., 2019.",
    ece: "Expected calibration error: how far the network's probabilities are from how often it is right. Of its semantic map, before any refinement.",
  };
  /** The measures of the whole photo. */
  sd.headNumbers = ({ evaluation, open }) => {
    const { figures } = evaluation;
    const stat = (name, value, about, which = null) => {
      const shown = which ? opener({ open }, which, `${name} ${value}: show the wrong pixels`, sd.element("span", { text: value })) : sd.element("span", { text: value });
      return sd.element("div", { class: "sd-stat", title: about }, sd.element("dt", { text: name }), sd.element("dd", { class: "sd-number" }, shown));
    };
    const { panoptic } = figures;
    // Some label sets leave a strip free between all regions: hardly an outline is measured then.
    const free = figures.boundary_unlabelled;
    const caution = free > 0.5 ? [sd.element("p", { class: "sd-help", text: `${sd.percent(free)} of the outlines in these labels run along pixels without a label, where none is measured: boundary F says little here.` })] : [];
    return sd.element("div", {}, sd.element("dl", { class: "sd-stats" },
      stat("Pixel accuracy", share(figures.pixel_accuracy), ABOUT.accuracy, ["wrong"]), stat("mIoU", share(figures.miou), figures.absent_classes),
      stat("Frequency-weighted IoU", share(figures.frequency_weighted_iou), ABOUT.fwiou),
      stat(`Boundary F, ${figures.boundary_width.toFixed(1)} px`, share(figures.boundary_f), "Precision and recall of outlines within this width."),
      ...(panoptic ? [stat("PQ", share(panoptic.pq), ABOUT.pq), stat("SQ · RQ", `${share(panoptic.sq)} · ${share(panoptic.rq)}`, ABOUT.pq)] : []),
      stat("ECE", share(figures.calibration.ece), ABOUT.ece)), sd.element("p", { class: "sd-help sd-absent", text: `mIoU: ${figures.absent_classes.split(/(?<=\.) /)[0]}` }), ...caution);
  };
})((window.segdemo ??= {}));
