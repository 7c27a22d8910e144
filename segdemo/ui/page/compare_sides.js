// The two sides of a comparison: by what they differ, what can be chosen for each, and how the address says it.
((sd) => {
  "use strict";

  const RUNS = ["checkpoint", "size", "precision", "told"];
  /** @type {[string, string][]} */
  const BY = [
    ["checkpoint", "Checkpoint"], ["size", "Input size"], ["precision", "Precision"], ["told", "Task it is told"],
    ["task", "Map or segments"],
    ["layer", "Decoder layer"], ["refinement", "Refinement"], ["parts", "What is switched off"],
  ];
  /** @type {[string, string][]} */
  const SIZES = [["checkpoint", "checkpoint's own size"], ["paper", "paper: short side 640"], ["320", "short side 320"], ["480", "short side 480"], ["960", "short side 960"]];
  const CANVASES = [["two", "Two canvases"], ["wipe", "Wipe"], ["difference", "Difference"]];
  const narrow = window.matchMedia("(width < 900px)");

  sd.COMPARE_CANVASES = CANVASES;

  /** What the state knows of this tab: by what the sides differ, their values (null: as it suits), the canvas, the pixels of a number. */
  sd.COMPARISON = { comparedBy: null, sideA: null, sideB: null, compareView: null, pairPixels: null, comparison: null };

  /** Write what is compared into an address. */
  sd.putComparison = (state, put) => {
    put("by", state.get("comparedBy"));
    put("a", state.get("sideA"));
    put("b", state.get("sideB"));
    put("canvas", state.get("compareView"));
    put("pair", state.get("pairPixels")?.join(","));
  };
  /** What an address says of this tab, as changes of the state; whether the values are there is found out later. */
  sd.readComparison = (query) => {
    const found = {};
    const among = (key, options) => (options.some(([option]) => option === query.get(key)) ? query.get(key) : null);
    const by = among("by", BY);
    if (by) Object.assign(found, { comparedBy: by, sideA: query.get("a"), sideB: query.get("b") });
    if (among("canvas", CANVASES)) found.compareView = query.get("canvas");
    const parts = (query.get("pair") ?? "").split(",").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    if (query.has("pair") && parts.length <= 3 && parts.every((part) => /^[a-z ]+$|^\d+$/.test(String(part)))) found.pairPixels = parts;
    return found;
  };

  /** The canvas that is shown: as chosen, else two where there is room for them. */
  sd.compareCanvas = (state) => state.get("compareView") ?? (narrow.matches ? "wipe" : "two");

  const refinement = (app) => sd.refinementOf(app, "semantic").refine;
  const chosen = (app) => app.config.checkpoints.find(({ id }) => id === app.state.get("checkpoint"));
  const isOff = (off) => Object.values(off).some((items) => items.length);

  /**
   * The values of a way to differ for the run on screen, each with its words.
   * @returns {[string, string][]}
   */
  const valuesOf = (app, by) => {
    const { state, config } = app;
    const run = state.get("run");
    switch (by) {
      case "checkpoint": return config.checkpoints.map(({ id, title }) => [id, title]);
      case "size": return SIZES;
      case "precision": return chosen(app).precisions.map((name) => [name, name === "auto" ? `as on this page (${run.precision})` : name]);
      case "told": return chosen(app).tasks.map((task) => [task, `told ${task}`]);
      case "task": return [["semantic", "Semantic map"], ["panoptic", "Panoptic segments"]];
      case "layer": return Array.from({ length: run.numLayers }, (_, layer) => [String(layer), layer === 0 ? "Initial prediction" : `After layer ${layer}`]);
      case "refinement": return [["off", "Not refined"], ["on", refinement(app) ? "Refined as in Semantic" : "Refined by the CRF at its defaults"]];
      default: return [["off", "Nothing switched off"], ["on", isOff(state.get("off")) ? "Without what is off in What if" : `Without layer ${run.numLayers - 1}’s cross-attention`]];
    }
  };

  /** The ways to differ that this run has: [key, words][]. */
  const offered = (app) => {
    const run = app.state.get("run");
    const has = {
      checkpoint: app.config.checkpoints.length > 1, size: !run.fixedInput, precision: chosen(app).precisions.length > 2,
      told: Boolean(run.task), task: run.offers.includes("queries"), layer: run.offers.includes("layers"),
      parts: run.shipped || run.offers.includes("decoder_features"),
    };
    return BY.filter(([key]) => has[key] ?? true);
  };

  /** What A and B are unless somebody says otherwise. */
  const usual = (app, by) => {
    const { state } = app;
    const run = state.get("run");
    const values = valuesOf(app, by).map(([value]) => value);
    const now = { checkpoint: state.get("checkpoint"), size: state.get("size"), precision: "auto", told: run.task, task: "semantic", layer: String(run.numLayers - 1), refinement: "off", parts: "off" }[by];
    const other = { size: run.size === "480" ? "320" : "480", precision: run.precision === "fp32" ? "bf16" : "fp32", told: run.task === "semantic" ? "panoptic" : "semantic", layer: String(Math.floor((run.numLayers - 1) / 2)) }[by];
    return [now, values.includes(other) && other !== now ? other : values.find((value) => value !== now)];
  };

  /**
   * The comparison that the state asks for, filled up and put right; null while there is no photo.
   * @param {any} app
   * @returns {{by: string, values: string[], options: [string, string][], ways: [string, string][], names: string[]}|null}
   */
  sd.comparedSides = (app) => {
    const { state } = app;
    if (!state.get("run")) return null;
    const ways = offered(app);
    const by = ways.some(([key]) => key === state.get("comparedBy")) ? state.get("comparedBy") : ways[0][0];
    const options = valuesOf(app, by);
    const known = (value) => options.some(([option]) => option === value);
    const [now, other] = usual(app, by);
    let [first, second] = [state.get("sideA"), state.get("sideB")].map((value) => (known(value) ? value : null));
    if (first === null && second === null) [first, second] = [now, other];
    else if (first === null) first = second === now ? other : now;
    else if (second === null) second = first === now ? other : now;
    // Of two runs one is the one on the page.
    if (first === second || (RUNS.includes(by) && first !== now && second !== now)) [first, second] = [now, second === now ? other : second];
    const names = [first, second].map((value) => options.find(([option]) => option === value)[1]);
    return { by, values: [first, second], options, ways, names };
  };

  /** What the server is asked for. */
  sd.comparedArguments = (app, { by, values }) => {
    const { state } = app;
    const run = state.get("run");
    const [now] = usual(app, by);
    const value = (text) => {
      if (RUNS.includes(by)) return text === now ? null : text;
      if (by === "layer") return Number(text);
      return by === "task" ? text : text === "on";
    };
    const asked = { token: run.token, by, first: value(values[0]), second: value(values[1]) };
    if (by === "told") return { ...asked, other: app.toldOtherwise(values.find((task) => task !== now)) };
    if (by === "task") return { ...asked, ...state.get("thresholds") };
    if (by === "refinement") return { ...asked, refine: refinement(app) ?? { crf: true } };
    if (by !== "parts") return asked;
    const off = isOff(state.get("off")) ? state.get("off") : { ...sd.NOTHING_OFF, layers: [run.numLayers - 1] };
    return { ...asked, off: { ...off, heads: off.heads.map((pair) => pair.split(".").map(Number)) } };
  };
  /** Whether a way to differ needs a second run of the network. */
  sd.needsRun = (by) => RUNS.includes(by);
})((window.segdemo ??= {}));
