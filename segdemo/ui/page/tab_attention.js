// Attention: where a query looked, by layer and head, as a heatmap over the photo.
((sd) => {
  "use strict";

  /** The query with the largest vote at a point of the photo (x, y in 0..1), from the small planes; null without queries. */
  sd.queryAt = (run, x, y) => {
    const { width, height, query } = run.planes;
    const column = Math.min(width - 1, Math.max(0, Math.floor(x * width)));
    const row = Math.min(height - 1, Math.max(0, Math.floor(y * height)));
    const found = query[row * width + column];
    return found === 65535 ? null : found;
  };

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client } = app;
    const cache = { run: null, maps: new Map() };
    const layers = sd.slider({
      label: "Layer", min: 1, max: 9, step: 1, value: 9, format: (layer) => `${layer}`, onInput: (layer) => state.set({ layer }),
    });
    const heads = e("div", { class: "sd-heads", role: "group", "aria-label": "Attention heads" });
    const flag = e("p", { class: "sd-flag" });
    const about = e("p", { class: "sd-note-text", "aria-live": "polite" });
    const list = sd.buildQueryList(app, "attention");
    const cells = sd.check({ label: "Show the cells", onChange: () => draw() });
    cells.title = "The layer looks at a grid of cells, a few across the photo; smoothed between them unless this is on.";
    panel.append(
      sd.heading("Cross-attention",
        "A query is a learned slot that looks for one object or region. In every decoder layer it reads the photo's features: this heatmap shows where it read, not which queries talk to each other. Pick a pixel of the photo to pick the query that decided there."),
      about, flag, layers, cells, sd.heading("Heads", "Each layer looks with several heads at once. Their mean is what is usually shown; single heads often look at parts or borders."), heads,
      sd.heading("Queries", "With the probability of its best class and the area of its mask, both in per cent; dimmed ones say “no object”."), list, sd.viewDownloads(app));

    const fetchMaps = async (layer, query) => {
      const run = state.get("run");
      if (cache.run !== run) {
        cache.run = run;
        cache.maps = new Map();
      }
      const key = `${layer} ${query}`;
      if (cache.maps.has(key)) return cache.maps.get(key);
      const answer = await app.guard(() => client.callLatest("attention", "attention", { token: run.token, layer, query }));
      if (!answer || state.get("run") !== run) return null;
      const [flat, mask] = await Promise.all([sd.unpack(answer.maps), sd.unpack(answer.mask)]);
      const [count, height, width] = answer.maps.shape;
      const result = {
        ...answer, count, width, height,
        at: (head) => flat.subarray((head + 1) * width * height, (head + 2) * width * height), cells: await cellsOf(answer),
        outline: { mask, width: answer.mask.shape[1], height: answer.mask.shape[0] },
      };
      cache.maps.set(key, result);
      return result;
    };

    /** The grid itself, before it was smoothed: cells that the photo covers. */
    const cellsOf = async ({ cells: packed }) => {
      const flat = await sd.unpack(packed);
      const [, height, width] = packed.shape;
      return { width, height, at: (head) => flat.subarray((head + 1) * width * height, (head + 2) * width * height) };
    };

    const current = () => {
      const run = state.get("run");
      return {
        run, query: state.get("query") ?? sd.bestQuery(run),
        layer: Math.max(1, state.get("layer") ?? run.numLayers - 1), head: Math.min(state.get("head"), run.numHeads - 1),
      };
    };

    const headPictures = (data) => {
      heads.replaceChildren(...Array.from({ length: data.count }, (_, index) => {
        const head = index - 1;
        const canvas = e("canvas", { "aria-hidden": "true" });
        const raster = sd.createRaster(canvas);
        raster.resize(data.width, data.height);
        raster.paintValues(data.at(head), sd.colormap("viridis"));
        const name = head < 0 ? "mean" : `head ${head + 1}`;
        const button = e("button", { type: "button", class: "sd-frame-button", "aria-label": name }, canvas, e("span", { text: head < 0 ? "mean" : String(head + 1) }));
        button.addEventListener("click", () => state.set({ head }));
        return button;
      }));
    };

    const draw = async () => {
      if (state.get("tab") !== "attention" || !state.get("run") || sd.lacking(state.get("run"), "attention")) return;
      const { run, query, layer, head } = current();
      const data = await fetchMaps(layer, query);
      const now = state.get("run") && current();
      if (!data || state.get("tab") !== "attention" || now.query !== query || now.layer !== layer || now.head !== head) return;
      if (heads.dataset.of !== `${run.token} ${layer} ${query}`) {
        heads.dataset.of = `${run.token} ${layer} ${query}`;
        headPictures(data);
      }
      [...heads.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index - 1 === head)));
      layers.set(layer);
      flag.hidden = !data.everywhere;
      app.viewer.setMap(null);
      const shown = cells.input.checked ? data.cells : data;
      app.viewer.setHeat({
        width: shown.width, height: shown.height, data: shown.at(head), min: 0, max: (cells.input.checked ? data.cellsMax : data.max)[head + 1], pixelated: cells.input.checked,
        unit: "%", noun: "attention of the cell", title: `Attention of query ${query}, layer ${layer}, ${head < 0 ? "mean of heads" : `head ${head + 1}`}`, colormap: "viridis", outline: data.outline,
      });
      about.textContent = `Query ${query} (${data.label}, ${sd.percent(data.probability)}) in layer ${layer}, which looks at ${data.cells.width} × ${data.cells.height} cells (${data.stride} of the input's size). The outline is ${data.maskNote}.`;
    };

    const fill = () => {
      const run = state.get("run");
      heads.replaceChildren();
      delete heads.dataset.of;
      about.textContent = "";
      flag.hidden = true;
      if (run && !sd.lacking(run, "attention")) layers.input.max = String(run.numLayers - 1);
    };
    flag.append(...[
      e("strong", { text: "Attends everywhere. " }),
      e("span", { text: "The prediction before this layer gave this query an empty mask, so the restriction to the mask was lifted. This is not “global attention” by choice." })]);
    state.on(["run"], fill);
    state.on(["query", "layer", "head"], draw);
    app.drawAttention = draw;
    fill();
  };

  const show = (app) => app.drawAttention();

  sd.tabs.push({ id: "attention", title: "Attention", question: "Why", needs: "attention", build, show });
})((window.segdemo ??= {}));
