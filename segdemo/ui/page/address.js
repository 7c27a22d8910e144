// The address: what is on screen, so that it can be sent; nothing of a visitor's own photo is ever in it.
((sd) => {
  "use strict";

  const SIZES = ["checkpoint", "paper", "320", "480", "960"];
  const VIEWS = ["classes", "confidence", "entropy"];
  /** Thresholds of the panoptic tab by their short name in the address. */
  const THRESHOLDS = { score: "score_threshold", mask: "mask_threshold", overlap: "overlap_threshold" };

  const whole = (text, low, high) => {
    const value = /^\d+$/.test(text ?? "") ? Number(text) : NaN;
    return value >= low && value <= high ? value : null;
  };
  const share = (text) => {
    const value = /^[0-9.]+$/.test(text ?? "") ? Number(text) : NaN;
    return value >= 0 && value <= 1 ? value : null;
  };

  /** What is switched off, as q17 (a query), l4 (a layer) and h4.2 (its second head), with commas between. */
  const readOff = (text, run) => {
    const off = { queries: new Set(), heads: new Set(), layers: new Set() };
    for (const word of (text ?? "").split(",")) {
      const [, kind, one, two] = /^([qlh])(\d{1,5})(?:\.(\d{1,3}))?$/.exec(word) ?? [];
      if (kind === "q" && Number(one) < run.queries.length) off.queries.add(Number(one));
      const layer = whole(one, 1, run.numLayers - 1);
      if (kind === "l" && layer) off.layers.add(layer);
      const head = whole(two, 1, run.numHeads);
      if (kind === "h" && layer && head) off.heads.add(`${layer}.${head - 1}`);
    }
    const found = { queries: [...off.queries], heads: [...off.heads], layers: [...off.layers] };
    return found.queries.length < run.queries.length && Object.values(found).some((list) => list.length) ? found : null;
  };
  const writeOff = ({ queries, heads, layers }) => [
    ...queries.map((query) => `q${query}`), ...layers.map((layer) => `l${layer}`), ...heads.map((pair) => `h${pair.split(".")[0]}.${Number(pair.split(".")[1]) + 1}`),
  ].join(",");

  /** What an address asks for before there is a result: {example, own, tab, checkpoint, size}; unknown values are null. */
  sd.readAddress = (config) => {
    const query = new URLSearchParams(window.location.search);
    const among = (key, allowed) => (allowed.includes(query.get(key)) ? query.get(key) : null);
    return {
      asked: query.get("example"),
      example: among("example", config.examples.map(({ id }) => id)),
      own: query.get("photo") === "own",
      tab: among("tab", sd.tabs.map(({ id }) => id)),
      checkpoint: among("checkpoint", config.checkpoints.map(({ id }) => id)),
      size: among("size", SIZES),
    };
  };

  /** What an address selects in a result: changes of the state, of those things that this result has. */
  sd.readSelection = (run, defaults) => {
    const query = new URLSearchParams(window.location.search);
    const found = {};
    const [x, y] = (query.get("pixel") ?? "").split(",").map(share);
    if (x !== null && y !== null && x !== undefined && y !== undefined && x < 1 && y < 1) found.pixel = { x, y };
    const take = (key, low, high, name = key) => {
      const value = whole(query.get(key), low, high);
      if (value !== null) found[name] = value;
    };
    take("query", 0, run.queries.length - 1);
    take("layer", 0, run.numLayers - 1);
    const head = whole(query.get("head"), 1, run.numHeads);
    if (head !== null) found.head = head - 1;
    if (query.get("subject") === "query" && found.query !== undefined) found.subject = "query";
    if (VIEWS.includes(query.get("view"))) found.view = query.get("view");
    const chosen = whole(query.get("class"), 0, 65534);
    if (chosen !== null && run.byId.has(chosen)) found.classId = chosen;
    if (query.has("classes")) {
      const ids = query.get("classes").split(",").map((text) => whole(text, 0, 65534));
      found.visible = new Set(ids.filter((id) => id !== null && run.byId.has(id)));
    }
    const off = readOff(query.get("off"), run);
    if (off) found.off = off;
    const thresholds = { ...defaults };
    for (const [key, name] of Object.entries(THRESHOLDS)) thresholds[name] = share(query.get(key)) ?? defaults[name];
    thresholds.split = query.get("split") === "1";
    thresholds.things_only = query.get("things") === "1";
    found.thresholds = thresholds;
    return { ...found, ...sd.readEvaluation(query), ...sd.readComparison(query) };
  };

  /**
   * Keep the address in step with the state, also outside the frame that a Space puts the page in.
   * @param {Object} state the page's state
   * @param {Object} config what the server said first
   * @param {Object} defaults the thresholds that need not be said
   */
  sd.keepAddress = (state, config, defaults) => {
    const write = () => {
      const run = state.get("run");
      if (!run || state.get("busy")) return;
      // Gradio's own parameters (theme, view) stay.
      const kept = [...new URLSearchParams(window.location.search)].filter(([key]) => key.startsWith("__") || key === "view_api");
      const query = new URLSearchParams(kept);
      const put = (key, value) => value !== null && value !== undefined && value !== "" && query.set(key, String(value));
      if (run.example) put("example", run.example);
      else put("photo", "own");
      put("tab", state.get("tab"));
      if (state.get("checkpoint") !== config.checkpoint) put("checkpoint", state.get("checkpoint"));
      if (state.get("size") !== "checkpoint") put("size", state.get("size"));
      const pixel = state.get("pixel");
      if (pixel) put("pixel", `${pixel.x.toFixed(4)},${pixel.y.toFixed(4)}`);
      put("query", state.get("query"));
      put("layer", state.get("layer"));
      if (state.get("head") >= 0) put("head", state.get("head") + 1);
      if (state.get("subject") === "query") put("subject", "query");
      if (state.get("view") !== "classes") put("view", state.get("view"));
      put("class", state.get("classId"));
      put("off", writeOff(state.get("off")));
      const visible = state.get("visible");
      if (visible) query.set("classes", [...visible].join(","));
      const thresholds = state.get("thresholds");
      for (const [key, name] of Object.entries(THRESHOLDS)) {
        if (thresholds[name] !== defaults[name]) put(key, thresholds[name]);
      }
      if (thresholds.split) put("split", 1);
      if (thresholds.things_only) put("things", 1);
      sd.putEvaluation(state, put);
      sd.putComparison(state, put);
      const text = query.toString();
      window.history.replaceState(null, "", text ? `?${text}` : window.location.pathname);
      if (window.parent !== window) window.parent.postMessage({ queryString: text }, "https://huggingface.co");
    };
    state.on(["run", "busy", "tab", "checkpoint", "size", "pixel", "query", "layer", "head", "subject", "view", "classId", "visible", "thresholds", "judging", "errorView", "bandWidth", "shownPixels", "off", ...Object.keys(sd.COMPARISON)], write);
  };
})((window.segdemo ??= {}));
