// Decoder layers: how the prediction grows from the learned queries to the last layer, for all classes or one query.
((sd) => {
  "use strict";

  const STEP_MS = 700;
  const title = (layer) => (layer === 0 ? "Initial prediction" : `Layer ${layer}`);

  /** Draw a small label map or mask probability onto a canvas. */
  const thumbnail = (canvas, width, height, pixel) => {
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < out.length; i += 1) out[i] = pixel(i);
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  /** The result has been drawn by then, and whoever leaves at once costs nothing. */
  const AHEAD_MS = 150;
  const opaque = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;
  /** What did not change, in a thumbnail of changes. */
  const SAME = opaque([46, 48, 54]);

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client } = app;
    const cache = { run: null, layers: new Map() };
    let timer = null;
    let ahead = null;

    const subject = sd.segmented({
      label: "What the pictures show", value: "all", options: [["all", "All classes"], ["query", "One query"]],
      onChange: (key) => {
        const run = state.get("run");
        if (!run) return;
        state.set({ subject: key, query: state.get("query") ?? liveliest(run) });
      },
    });
    const pictures = sd.segmented({
      label: "What the small pictures show", value: "before",
      options: [["before", "Changes"], ["final", "Still to change"], ["whole", "Whole"]], onChange: () => {
        delete strip.dataset.of;
        draw();
      },
    });
    const queries = sd.select({ label: "Query", options: [], onChange: (value) => state.set({ query: Number(value) }) });
    const strip = e("div", { class: "sd-strip", role: "group", "aria-label": "Predictions from the initial one to the last layer" });
    const play = sd.button("Play", () => (timer ? stop() : start()), "sd-play");
    const scrub = sd.slider({ label: "Prediction", min: 0, max: 9, step: 1, value: 9, format: title, onInput: (layer) => {
      stop();
      state.set({ layer });
    } });
    const about = e("p", { class: "sd-note-text", "aria-live": "polite" });
    const plot = e("div", {});
    panel.append(
      sd.heading("Decoder layers",
        "The network predicts once from its learned queries, then after each decoder layer: ten predictions where there are nine layers, as is usual. The learned queries have not attended to the photo, but their masks are already made from this photo's features. Each layer looks only where the prediction before it found the query's mask (masked attention). IoU of two masks is the area of what they share over the area of both."),
      subject, queries, pictures, strip, e("div", { class: "sd-row sd-scrub" }, play, scrub), about, plot,
      sd.viewDownloads(app, "The animation shows the map of every layer over the photo, one after the other.", sd.button("Animation (WebP)", sd.fetchFile(app, "semantic", "evolution"))));

    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    };
    const start = () => {
      const run = state.get("run");
      if (!run || sd.lacking(run, "layers")) return;
      const last = run.numLayers - 1;
      if ((state.get("layer") ?? last) === last) state.set({ layer: 0 });
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      timer = setInterval(() => {
        const at = state.get("layer") ?? 0;
        if (at >= last || state.get("tab") !== "layers") stop();
        else state.set({ layer: at + 1 });
      }, STEP_MS);
    };
    const step = (by) => {
      const last = state.get("run").numLayers - 1;
      stop();
      state.set({ layer: Math.min(last, Math.max(0, (state.get("layer") ?? last) + by)) });
    };
    panel.addEventListener("keydown", (event) => {
      if (!state.get("run") || event.target.matches("input, select")) return;
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      step(event.key === "ArrowRight" ? 1 : -1);
      strip.children[state.get("layer")]?.focus();
    });
    app.playLayers = () => play.click();
    /** A query worth looking at first: one that decided pixels, and whose mask the decoder changed most. */
    const liveliest = (run) => {
      const seen = run.queries.filter(({ won }) => won > 0.005);
      return (seen.sort((one, two) => two.change - one.change)[0] ?? { query: sd.bestQuery(run) }).query;
    };

    /** The query that the pictures show, null for all classes. */
    const shownQuery = () => (state.get("subject") === "query" ? state.get("query") : null);

    /** Have the server prepare the pictures for all classes while nothing else is to do, before the tab is opened. */
    const prepare = () => {
      ahead?.cancel();
      ahead = null;
      const run = state.get("run");
      if (!run || run.shipped || run.preview || sd.lacking(run, "layers")) return;
      setTimeout(async () => {
        if (state.get("run") !== run || state.get("tab") === "layers" || (cache.run === run && cache.layers.has(null))) return;
        ahead = client.run(() => client.call("start_layers", { token: run.token }), () => {});
        try {
          const message = await ahead.done;
          if (message && state.get("run") === run) await keep(run, null, message.layers);
        } catch (error) {
          // Not there yet: the tab asks again, and says what is wrong.
          if (!(error instanceof sd.ServerError || error instanceof sd.GoneError)) throw error;
        }
      }, AHEAD_MS);
    };

    /** The pictures of all layers for all classes (query null) or one query; fetched once and kept for this run. */
    const fetchLayers = async (query) => {
      const run = state.get("run");
      if (cache.run === run && cache.layers.has(query)) return cache.layers.get(query);
      if (query === null) ahead?.cancel();
      const answer = await app.guard(() => client.callLatest("layers", "layers", { token: run.token, query }));
      if (!answer || state.get("run") !== run) return null;
      return keep(run, query, answer);
    };
    const keep = async (run, query, answer) => {
      if (cache.run !== run) {
        cache.run = run;
        cache.layers = new Map();
      }
      const [count, height, width] = answer.maps.shape;
      const flat = await sd.unpack(answer.maps);
      const entries = new Map((answer.classes ?? []).map((entry) => [entry.id, entry]));
      const result = {
        ...answer, count, width, height, entries,
        at: (layer) => flat.subarray(layer * width * height, (layer + 1) * width * height),
      };
      cache.layers.set(query, result);
      return result;
    };
    app.fetchLayers = fetchLayers;

    const drawStrip = (data, query) => {
      const mode = [...pictures.querySelectorAll("input")].find((input) => input.checked).value;
      const colors = new Uint32Array(65536);
      for (const [id, { color }] of data.entries) colors[id] = opaque(color);
      const last = data.at(data.count - 1);
      strip.replaceChildren(...Array.from({ length: data.count }, (_, layer) => {
        const canvas = e("canvas", { "aria-hidden": "true" });
        const values = data.at(layer);
        // The initial prediction has none before it: its picture is whole.
        const other = mode === "final" ? last : mode === "before" && layer > 0 ? data.at(layer - 1) : null;
        const paint = query === null
          ? (i) => (other && other[i] === values[i] ? SAME : colors[values[i]])
          : (i) => {
            if (!other) return opaque([values[i], values[i], values[i]]);
            const gained = values[i] - other[i];
            // Orange for what the mask gained, blue for what it lost: told apart by the colour-blind, too.
            return gained > 12 ? opaque([46 + gained * 0.8, 48 + gained * 0.45, 54]) : gained < -12 ? opaque([46, 48 - gained * 0.4, 54 - gained * 0.78]) : SAME;
          };
        thumbnail(canvas, data.width, data.height, paint);
        const changed = query === null && other ? sd.percent(values.reduce((sum, id, i) => sum + (id === other[i] ? 0 : 1), 0) / values.length) : null;
        const button = e("button", { type: "button", class: "sd-frame-button", "aria-label": changed ? `${title(layer)}, ${changed} differ` : title(layer) },
          canvas, e("span", { text: layer === 0 ? "initial" : String(layer) }), ...(changed ? [e("span", { class: "sd-changed-share", text: changed })] : []));
        button.addEventListener("click", () => {
          stop();
          state.set({ layer });
        });
        return button;
      }));
    };

    const draw = async () => {
      const run = state.get("run");
      if (state.get("tab") !== "layers" || !run || sd.lacking(run, "layers")) return;
      const query = shownQuery();
      const data = await fetchLayers(query);
      if (!data || shownQuery() !== query || state.get("tab") !== "layers") return;
      const layer = state.get("layer") ?? run.numLayers - 1;
      if (strip.dataset.of !== `${run.token} ${query}`) {
        strip.dataset.of = `${run.token} ${query}`;
        drawStrip(data, query);
      }
      [...strip.children].forEach((button, index) => {
        button.setAttribute("aria-pressed", String(index === layer));
        button.tabIndex = index === layer ? 0 : -1;
      });
      scrub.set(layer);
      if (query === null) {
        app.viewer.setHeat(null);
        app.viewer.setMap({ width: data.width, height: data.height, ids: data.at(layer), none: 65535, entries: data.entries });
        sd.showVisible(app, data.entries);
        about.textContent = layer === 0
          ? "Initial prediction: the learned queries, before they attended to the photo; their masks are made from this photo's features all the same."
          : `After layer ${layer}${data.strides.length ? `, which looks at the feature map at ${data.strides[layer - 1]} of the input's size` : ""}. ${
            layer === run.numLayers - 1 ? "This is the final prediction." : `${sd.percent(data.agreement[layer])} of the pixels already have their final class.`}`;
        plot.replaceChildren(sd.linePlot({
          label: "Share of pixels that have their final class, by layer", chosen: layer,
          series: [{ name: "pixels with their final class", values: data.agreement }],
        }));
      } else {
        app.viewer.setMap(null);
        app.viewer.setHeat({
          width: data.width, height: data.height, data: data.at(layer), min: 0, max: 1, unit: "%", noun: "mask probability",
          title: `Mask probability of query ${query}`, colormap: "viridis",
        });
        const row = data.history[layer];
        about.textContent = `${title(layer)}: query ${query} says ${row.label} (${sd.percent(row.probability)}), no object ${sd.percent(row.no_object)}; its mask has IoU ${row.iou.toFixed(2)} with the final one.`;
        plot.replaceChildren(sd.linePlot({
          label: `Query ${query}, by layer`, chosen: layer,
          series: [
            { name: `probability of ${data.finalLabel}`, values: data.history.map((entry) => entry.final_class_probability) },
            { name: "mask IoU with the final mask", values: data.history.map((entry) => entry.iou) },
          ],
        }));
      }
    };

    /** What a saved picture of all classes lists: the classes of the layer that is shown, the largest first. */
    app.layerRows = () => {
      const data = shownQuery() === null && cache.run === state.get("run") ? cache.layers.get(null) : null;
      if (!data) return [];
      const ids = data.at(state.get("layer") ?? data.count - 1);
      const counts = new Map();
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
      return [...counts].filter(([id]) => data.entries.has(id) && sd.isOn(app, id)).sort((one, two) => two[1] - one[1])
        .map(([id, pixels]) => ({ color: data.entries.get(id).color, text: `${data.entries.get(id).label}  ${sd.percent(pixels / ids.length)}` }));
    };

    const fill = () => {
      const run = state.get("run");
      stop();
      strip.replaceChildren();
      delete strip.dataset.of;
      plot.replaceChildren();
      about.textContent = "";
      prepare();
      if (!run || sd.lacking(run, "layers")) return;
      scrub.input.max = String(run.numLayers - 1);
      queries.setOptions(run.queries.map((entry) => [entry.query, `${entry.query}: ${entry.label} ${sd.percent(entry.probability)}`]));
    };
    const mark = () => {
      const query = shownQuery();
      subject.set(state.get("subject"));
      queries.hidden = query === null;
      if (query !== null) queries.input.value = String(query);
    };
    state.on(["run"], fill);
    state.on(["run", "query", "subject"], mark);
    state.on(["query", "subject", "layer", "visible"], draw);
    panel.draw = draw;
    app.drawLayers = draw;
    mark();
  };

  const show = (app) => app.drawLayers();

  sd.tabs.push({ id: "layers", title: "Decoder layers", question: "Why", needs: "layers", build, show, legend: (app) => app.layerRows() });
})((window.segdemo ??= {}));
