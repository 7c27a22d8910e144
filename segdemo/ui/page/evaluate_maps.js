// What the Evaluate tab puts on the canvas: right and wrong, kinds of errors, where they came in, or the pixels of a number.
((sd) => {
  "use strict";

  const NOTHING = 255;
  const NO_CLASS = 65535;
  const NONE_OF_THEM = 65534;

  /** @type {Object<string, [string, boolean, string]>} name, whether it is hatched besides its colour, and what it means */
  const KINDS = {
    boundary: ["Boundary band", true, "Beside a true border: the outline is a few pixels off."],
    missed: ["Missed object", false, "A thing of which next to nothing was found."],
    invented: ["Invented object", false, "A thing was seen where the labels have none."],
    inside: ["Inside a region", true, "A wrong class, away from borders."],
  };
  /** @type {Object<string, [string, boolean, string]>} */
  const CAUSES = {
    refinement: ["Refinement", false, "Morphology or the CRF changed a pixel that was right."],
    filter: ["Filter", true, "The thresholds dropped the segment that was right."],
    vote: ["Vote", false, "A query of the right class covers it, and others outweighed it."],
    classification: ["Classification", true, "A query covers it, and names another class."],
    "no query": ["No query", false, "No query that names a class covers it."],
  };
  sd.errorWords = { kinds: KINDS, causes: CAUSES };

  /** Decode what the server measured. */
  sd.decodeEvaluation = async (answer) => {
    if (answer.none) return answer;
    const unpacked = async (packs) => Object.fromEntries(await Promise.all(
      Object.entries(packs).map(async ([name, packed]) => [name, packed && await sd.unpack(packed)])));
    const [height, width] = answer.maps.kinds.shape;
    const [smallHeight, smallWidth] = answer.small.confidence.shape;
    return {
      ...answer, width, height, maps: await unpacked(answer.maps),
      small: { ...await unpacked(answer.small), width: smallWidth, height: smallHeight },
      labels: answer.labels, names: new Map(answer.classes.map((entry) => [entry.id, entry])),
    };
  };

  /** The same evaluation with a boundary band of another whole width: its map of kinds and their counts. */
  sd.withBand = (evaluation, width) => {
    const { maps, kinds: names, figures, bandPixels } = evaluation;
    const [boundary, inside] = [names.indexOf("boundary"), names.indexOf("inside")];
    const kinds = Uint8Array.from(maps.kinds, (kind, i) => (kind === boundary || kind === inside ? (maps.band[i] <= width ? boundary : inside) : kind));
    const counts = { boundary: bandPixels[width], inside: bandPixels.at(-1) - bandPixels[width] };
    const rows = figures.errors.kinds.map((entry) => (entry.kind in counts ? { ...entry, pixels: counts[entry.kind], share: figures.wrong_pixels ? counts[entry.kind] / figures.wrong_pixels : null } : entry));
    return { ...evaluation, maps: { ...maps, kinds }, figures: { ...figures, errors: { width, kinds: rows } } };
  };

  const rgbOf = (word) => [word & 255, (word >> 8) & 255, (word >> 16) & 255];

  /** The colours of the layers at which pixels were lost: never, then from the first layer to the last. */
  const layerColors = (count) => {
    const table = sd.colormap("viridis");
    return Array.from({ length: count }, (_, layer) => rgbOf(table[Math.round(40 + (215 * layer) / Math.max(count - 1, 1))]));
  };

  const right = ({ colors }) => [
    { id: 1, key: "right", name: "Right", color: colors.kinds.right, hatched: false, which: ["right"] },
    { id: 2, key: "wrong", name: "Wrong", color: colors.wrong, hatched: true, which: ["wrong"] },
    { id: 0, key: "ignored", name: "No label", color: colors.kinds.ignored, hatched: false, which: ["ignored"] },
  ];
  const named = (words, order, colors, what) => Object.entries(words).map(([key, [name, hatched, help]]) =>
    ({ id: order.indexOf(key), key, name, help, color: colors[key], hatched, which: [what, key] }));
  /** What a view's ids are: id, name, colour, and the pixels that a click on its row shows. */
  const VIEWS = {
    right, kinds: ({ kinds, colors }) => named(KINDS, kinds, colors.kinds, "kind"),
    causes: ({ causes, colors }) => named(CAUSES, causes, colors.causes, "cause"),
    lost: ({ figures }) => {
      const colors = layerColors(figures.layers.length);
      return [
        { id: 1, key: "never", name: "Right at no layer", color: [213, 94, 0], hatched: true, which: ["lost", -1] },
        ...colors.map((color, layer) => ({
          id: layer + 2, key: String(layer), name: layer === colors.length - 1 ? "Right in the last layer" : layer === 0 ? "Right only at first" : `Last right after layer ${layer}`, color, hatched: false, which: ["lost", layer],
        })),
      ];
    },
  };

  /** The rows of a view's legend. */
  sd.errorRows = (evaluation, view) => VIEWS[view](evaluation);

  /** Whether a view has a map: families without queries have no causes, some have no layers. */
  sd.hasErrorView = (evaluation, view) => view === "right" || Boolean(evaluation.maps[view]);

  /** What the canvas says of a pixel: "predicted X 53 %, is Y 30 %", and why: in the view of layers when it was last right. */
  const words = (evaluation, rows, view) => (x, y) => {
    const { maps, small, names, width, height, figures } = evaluation;
    const at = sd.cell(x, width) + sd.cell(y, height) * width;
    const near = sd.cell(x, small.width) + sd.cell(y, small.height) * small.width;
    const nameOf = (id) => names.get(id)?.label ?? `class ${id}`;
    const [truth, predicted, kind] = [maps.truth[at], maps.predicted[at], maps.kinds[at]];
    const sure = figures.judged === "semantic" && predicted !== NO_CLASS ? ` ${small.confidence[near]} %` : "";
    const name = predicted === NO_CLASS ? "no class predicted" : `predicted ${nameOf(predicted)}${sure}`;
    const color = rows.find(({ id }) => id === (kind > 1 ? 2 : kind))?.color ?? null;
    if (truth === NO_CLASS) return { color, name, rest: "no label here" };
    if (kind === 1) return { color, name, rest: "right" };
    const is = truth === NONE_OF_THEM ? "is of no class" : `is ${nameOf(truth)} ${small.label[near]} %`;
    const why = view === "lost" ? VIEWS.lost(evaluation).find(({ id }) => id === maps.lost[at])?.name : maps.causes && CAUSES[evaluation.causes[maps.causes[at]]]?.[0];
    const more = [KINDS[evaluation.kinds[kind]]?.[0], why].filter(Boolean);
    return { color, name: `${name},`, rest: `${is}  ${more.join(", ").toLowerCase()}` };
  };

  /**
   * What a view shows, all of it or where a mask is 1.
   * @param {any} evaluation as decoded
   * @param {string} view one of right, kinds, causes, lost
   * @param {Uint8Array|null} mask at the maps' size
   */
  sd.errorMap = (evaluation, view, mask) => {
    const { maps, width, height } = evaluation;
    const values = view === "right" ? maps.kinds : maps[view];
    const rows = VIEWS[view](evaluation);
    const known = new Set(rows.map(({ id }) => id));
    const ids = new Uint8Array(values.length).fill(NOTHING);
    const counts = new Array(256).fill(0);
    for (let i = 0; i < ids.length; i += 1) {
      if (mask && !mask[i]) continue;
      const id = view === "right" ? Math.min(values[i], 2) : values[i];
      if (!known.has(id)) continue;
      ids[i] = id;
      counts[id] += 1;
    }
    const entries = new Map(rows.filter(({ id }) => counts[id]).map(({ id, name, color, hatched }) =>
      [id, { id, label: name, color, isthing: false, hatched, area: counts[id] / ids.length }]));
    return { width, height, ids, none: NOTHING, entries, noun: ["kind of pixels", "kinds of pixels"], words: words(evaluation, right(evaluation), view) };
  };

  const range = (low, high, show) => {
    if (low === null) return `under ${show(high)}`;
    return high === null ? `${show(low)} and more` : `${show(low)} to ${show(high)}`;
  };
  const SLICES = {
    area: ["true region", sd.percent, "of the photo"], distance: ["distance to a border", (value) => `${value}`, "px"],
    confidence: ["probability", sd.wholePercent, ""],
  };
  /** A slice in words, "0.1 % to 0.5 % of the photo". */
  sd.sliceWords = (by, { low, high }) => `${range(low, high, SLICES[by][1])} ${SLICES[by][2]}`.trim();

  /** What the pixels behind a number are, in words. */
  sd.pixelWords = (evaluation, [what, ...which]) => {
    const { figures } = evaluation;
    const nameOf = (id) => (Number(id) < 0 ? "no class" : evaluation.names.get(Number(id))?.label ?? `class ${id}`);
    switch (what) {
      case "kind": return `${KINDS[which[0]]?.[0] ?? which[0]}: ${KINDS[which[0]]?.[2] ?? ""}`;
      case "cause": return `${CAUSES[which[0]]?.[0] ?? which[0]}: ${CAUSES[which[0]]?.[2] ?? ""}`;
      case "lost": return Number(which[0]) < 0 ? "wrong, and right at no layer" : `wrong, and last right after layer ${which[0]}`;
      case "cell": return which[0] === which[1] ? `${nameOf(which[0])}, and predicted so` : `is ${nameOf(which[0])}, predicted ${nameOf(which[1])}`;
      case "class": return `is or was predicted ${nameOf(which[0])}`;
      case "layer": return `wrong after layer ${which[0]}; what is blue was put right since`;
      case "bin": {
        const bin = figures.calibration.bins[which[0]];
        return bin ? `probability ${sd.wholePercent(bin.low)} to ${sd.wholePercent(bin.high)}` : "a bin";
      }
      case "slice": {
        const slice = figures.slices.find(({ by }) => by === which[0])?.slices[which[1]];
        return slice ? `${SLICES[which[0]][0]} ${sd.sliceWords(which[0], slice)}` : "a slice";
      }
      case "suspect": {
        const suspect = figures.suspects[which[0]];
        return suspect ? `labelled ${suspect.labelled_label}, and the network is sure of ${suspect.predicted_label}` : "a suspect";
      }
      default: return { wrong: "all that is wrong", right: "all that is right", ignored: "what has no label" }[what] ?? what;
    }
  };
})((window.segdemo ??= {}));
