// The numbers of a comparison: agreement, the table of classes, the scores of both sides, and the causes that changed.
((sd) => {
  "use strict";

  const MOST = 12;
  const share = (value) => (value === null || value === undefined ? "–" : sd.percent(value));
  const cell = (text, kind = "") => sd.element("td", { class: `sd-number ${kind}`.trim(), text });

  /** A number that opens pixels. */
  const opener = (context, which, label, ...children) => {
    const button = sd.element("button", { type: "button", class: "sd-opener", "aria-label": label, title: label, "aria-pressed": "false" }, ...children);
    button.dataset.pixels = which.join(",");
    button.addEventListener("click", () => context.open(which));
    return button;
  };
  const text = (words) => sd.element("span", { text: words });
  const table = (caption, head, rows) => sd.element("div", { class: "sd-table-wrap", tabindex: "0", role: "region", "aria-label": caption },
    sd.element("table", { class: "sd-table" }, sd.element("caption", { class: "sd-hidden", text: caption }),
      sd.element("thead", {}, sd.element("tr", {}, ...head)), sd.element("tbody", {}, ...rows)));
  const heads = (names) => names.map((name, index) => sd.element("th", { scope: "col", text: name, class: index ? "sd-number" : "" }));

  /** How far the two agree, in a line whose numbers open their pixels. */
  sd.agreementLine = (context) => {
    const { found } = context;
    const { same, different, unmatched } = found.pixels;
    const all = same + different + unmatched;
    const part = (name, value, which, about) => sd.element("div", { class: "sd-stat", title: about }, sd.element("dt", { text: name }),
      sd.element("dd", { class: "sd-number" }, opener(context, which, `${name} ${share(value)}: show these pixels`, text(share(value)))));
    return sd.element("dl", { class: "sd-stats" },
      part("Agreement", found.share, ["same"], "The share of the pixels that have the same class in both."),
      part("Different", (different + unmatched) / all, ["different"], "The share of the pixels that do not."),
      ...(unmatched ? [part("… with a class one side does not know", unmatched / all, ["unmatched"], "They could not have agreed.")] : []));
  };

  /** What is not matched between two class tables, as a sentence; empty where all is. */
  sd.unmatchedWords = ({ unmatched: [first, second] }) => {
    const listed = (names) => (names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", "));
    return [first.length ? `Seen in A and unknown to B: ${listed(first)}.` : "", second.length ? `Seen in B and unknown to A: ${listed(second)}.` : ""].filter(Boolean).join(" ");
  };

  /** @type {[string, string, (one: any, two: any) => number][]} */
  const COLUMNS = [
    ["label", "Class", (one, two) => one.label.localeCompare(two.label)], ["first", "In A", (one, two) => two.first - one.first],
    ["second", "In B", (one, two) => two.second - one.second], ["iou", "IoU", (one, two) => (one.iou ?? -1) - (two.iou ?? -1)],
  ];
  /**
   * The classes in either map; a press on a column's name sorts by it, another the other way round.
   * @param {any} context {found, open, mark, highlight, order: {by: string, down: boolean}}
   */
  sd.agreementTable = (context) => {
    const { found, order } = context;
    const box = sd.element("div", {});
    const rowOf = (entry) => {
      const button = opener(context, ["class", entry.id], `Show the pixels that are ${entry.label} in A or in B`, sd.chip(entry.color, entry.isthing), sd.element("span", { class: "sd-name", text: entry.label }));
      const known = { first: "not known to B", second: "not known to A" }[entry.known];
      const row = sd.element("tr", {}, sd.element("td", {}, button), cell(share(entry.first)), cell(share(entry.second)), cell(share(entry.iou)));
      if (known) row.title = `${entry.label} is ${known}`;
      row.addEventListener("pointerenter", () => context.highlight(entry.id));
      row.addEventListener("pointerleave", () => context.highlight(null));
      return row;
    };
    const fill = () => {
      const compare = COLUMNS.find(([key]) => key === order.by)[2];
      const rows = [...found.classes].sort(compare);
      if (!order.down) rows.reverse();
      const head = COLUMNS.map(([key, name], index) => {
        const button = sd.element("button", { type: "button", class: "sd-sort", text: name });
        const sorted = order.by === key ? (["label", "iou"].includes(key) === order.down ? "ascending" : "descending") : null;
        const th = sd.element("th", { scope: "col", class: index ? "sd-number" : "", ...(sorted ? { "aria-sort": sorted } : {}) }, button);
        button.addEventListener("click", () => {
          Object.assign(order, { by: key, down: order.by === key ? !order.down : true });
          fill();
          box.querySelectorAll(".sd-sort")[index].focus();
        });
        return th;
      });
      box.replaceChildren(table("Classes in either map", head, rows.map(rowOf)));
      context.mark();
    };
    fill();
    return box;
  };

  /** @type {[string, (scores: any) => number|null|undefined][]} */
  const MEASURES = [
    ["Pixel accuracy", (scores) => scores.pixel_accuracy], ["mIoU", (scores) => scores.miou], ["Frequency-weighted IoU", (scores) => scores.frequency_weighted_iou],
    ["Boundary F", (scores) => scores.boundary_f], ["PQ", (scores) => scores.panoptic?.pq], ["ECE", (scores) => scores.ece],
  ];
  /** The scores of both sides against the labels. */
  sd.scoreTable = ({ found: { scores } }) => table("Scores against the labels", heads(["Against the labels", "A", "B", "B − A"]),
    MEASURES.filter(([, value]) => scores.some((one) => (value(one) ?? null) !== null)).map(([name, value]) => {
      const [first, second] = scores.map(value);
      const gain = (second ?? NaN) - (first ?? NaN);
      const better = name === "ECE" ? gain < 0 : gain > 0;
      const said = Number.isNaN(gain) ? "–" : `${gain > 0 ? "+" : gain < 0 ? "−" : "±"}${(Math.abs(gain) * 100).toFixed(1)} pp`;
      return sd.element("tr", {}, sd.element("td", { text: name }), cell(share(first)), cell(share(second)), cell(said, Math.abs(gain) < 5e-4 || Number.isNaN(gain) ? "" : better ? "sd-better" : "sd-worse"));
    }));

  /** What became of every labelled pixel in both: totals by cause, and what changed. */
  sd.outcomeTables = (context) => {
    const { outcomes } = context.found;
    const [first, second] = outcomes.totals;
    const labelled = Object.values(first).reduce((sum, pixels) => sum + pixels, 0) || 1;
    const changes = outcomes.changes.filter(([from, to]) => from !== to);
    const chip = (name) => sd.chip(outcomes.colors[outcomes.names.indexOf(name)], true);
    const totals = outcomes.names.slice(1).filter((name) => first[name] || second[name]).map((name) => {
      const side = (letter, pixels) => sd.element("td", { class: "sd-number" }, ...(pixels
        ? [opener(context, ["in", letter, name], `Show what is ${sd.outcomeWords(name).toLowerCase()} in ${letter.toUpperCase()}`, text(share(pixels / labelled)))] : [text("0 %")]));
      return sd.element("tr", {}, sd.element("td", {}, sd.element("span", { class: "sd-cell-button" }, chip(name), text(sd.outcomeWords(name)))), side("a", first[name]), side("b", second[name]));
    });
    const changed = changes.slice(0, MOST).map(([from, to, pixels]) => sd.element("tr", {},
      sd.element("td", {}, opener(context, ["change", from, to], `Show what is ${sd.outcomeWords(from).toLowerCase()} in A and ${sd.outcomeWords(to).toLowerCase()} in B`, chip(from), text(`${sd.outcomeWords(from)} → ${sd.outcomeWords(to)}`), chip(to))),
      cell(pixels.toLocaleString("en-US")), cell(share(pixels / labelled))));
    return [
      table("Shares of the labelled pixels", heads(["Of the labelled pixels", "A", "B"]), totals),
      ...(outcomes.noCauses ? [sd.element("p", { class: "sd-note-text", text: outcomes.noCauses })] : []),
      changed.length ? table("What changed from A to B", heads(["From A to B", "Pixels", "Share"]), changed) : sd.element("p", { class: "sd-note-text", text: "No pixel is right in one and wrong in the other, or wrong for another cause." }),
      ...(changes.length > MOST ? [sd.element("p", { class: "sd-help", text: `The ${MOST} largest changes of ${changes.length}.` })] : []),
    ];
  };
})((window.segdemo ??= {}));
