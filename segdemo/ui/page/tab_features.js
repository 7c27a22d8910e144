// Features: the network's feature maps as pictures, what resembles a picked pixel, and the windows of attention.
((sd) => {
  "use strict";

  const VIEWS = [["colours", "Colours"], ["norm", "Length"], ["channel", "Channel"], ["alike", "Alike"]];
  const TITLES = { norm: "Length of the feature vector", alike: "Cosine similarity to the picked cell" };
  const NOUNS = { norm: "length", alike: "similarity", channel: "value" };
  const NO_WINDOWS = "This checkpoint's backbone is not a Swin transformer: it has no grid of attention windows to show.";
  const PICK = "Pick a pixel of the photo: the pictures then show what resembles it at every scale.";

  /** What is looked at: a view, the number of a map, of one of its channels by strength, and whose grid is on. */
  sd.FEATURES = Object.freeze({ view: "colours", map: 0, rank: 0, block: "off" });

  /** What an address says of it: features=channel.2.5, counted from 0, and grid=this. */
  sd.readFeatures = (query) => {
    const [, view, map, rank] = /^([a-z]+)\.(\d{1,2})(?:\.(\d{1,4}))?$/.exec(query.get("features") ?? "") ?? [];
    const block = ["this", "next"].includes(query.get("grid")) ? query.get("grid") : "off";
    const known = VIEWS.some(([key]) => key === view);
    if (!known && block === "off") return {};
    return { features: { view: known ? view : "colours", map: Number(map ?? 0), rank: Number(rank ?? 0), block } };
  };
  sd.putFeatures = (state, put) => {
    const { view, map, rank, block } = state.get("features");
    if (view !== "colours" || map) put("features", `${view}.${map}${rank ? `.${rank}` : ""}`);
    if (block !== "off") put("grid", block);
  };

  /** Short name of a map below its picture. */
  const nameOf = ({ part, stage, stride }) => (part === "backbone" ? `stage ${stage}, 1/${stride}` : part === "pixel decoder" ? `decoder 1/${stride}` : `masks 1/${stride}`);

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client } = app;
    const chosen = { ...state.get("features") };
    const cache = { run: null, answers: new Map() };

    const view = sd.segmented({ label: "What the pictures show", options: VIEWS, value: chosen.view, onChange: (key) => choose({ view: key }) });
    const about = e("p", { class: "sd-note-text", "aria-live": "polite" });
    const strip = e("div", { class: "sd-strip sd-scales", role: "group", "aria-label": "Feature maps, in the order in which the network makes them" });
    const small = e("div", { class: "sd-strip sd-channels", role: "group", "aria-label": "The strongest channels of this map" });
    const rank = sd.slider({ label: "Channel by strength", min: 1, max: 2, step: 1, value: 1, format: (value) => `no. ${value}`, onInput: (value) => choose({ rank: value - 1 }) });
    const channels = e("div", { class: "sd-controls" },
      sd.heading("Channels of this map", "A channel is one of the numbers that every cell has. Strong are those that tell cells apart: the standard deviation over the photo is large."), small, rank);
    const windows = sd.segmented({
      label: "Grid of attention windows", options: [["off", "No grid"], ["this", "A block"], ["next", "The next block"]], value: chosen.block, onChange: (key) => choose({ block: key }),
    });
    const windowWords = e("p", { class: "sd-note-text" });
    panel.append(
      sd.heading("Features",
        "Before any query looks, the backbone turns the photo into feature maps: four stages, each with cells twice as large as the one before and more numbers (channels) for each cell. The pixel decoder mixes them into three levels that the queries look at, and into the mask features that masks are made from. Colours: the three directions in which the cells differ most (principal components), as red, green and blue: like colours, like features. Length: the size of each cell's vector. Alike: the cosine of the angle between a cell's vector and that of the picked cell, 1 for the same direction."),
      view, about, strip, channels,
      sd.heading("Attention windows", "A Swin backbone does not let every cell attend to every other: cells attend within windows, and every second block moves the grid by half a window, so that what was apart comes together."),
      windows, windowWords, sd.viewDownloads(app));

    const choose = (changes) => {
      Object.assign(chosen, changes);
      state.set({ features: { ...chosen } });
      draw();
    };
    state.on(["features"], () => {
      const asked = state.get("features");
      if (Object.keys(asked).every((key) => asked[key] === chosen[key])) return;
      Object.assign(chosen, asked);
      draw();
    });

    /** The pictures of a view, or the channels of a map; asked once and kept for this run. */
    const ask = async (name, argument) => {
      const run = state.get("run");
      if (cache.run !== run) Object.assign(cache, { run, answers: new Map() });
      const key = JSON.stringify([name, argument]);
      if (cache.answers.has(key)) return cache.answers.get(key);
      const answer = await app.guard(() => client.callLatest(name, name, { token: run.token, ...argument }));
      if (!answer || state.get("run") !== run) return null;
      const pictures = name === "features" ? answer.pictures : [answer.picture];
      const decoded = { ...answer, pictures: await Promise.all(pictures.map(decode)) };
      if (answer.small) decoded.small = { data: await sd.unpack(answer.small), shape: answer.small.shape };
      for (const map of answer.maps ?? []) {
        if (map.windows) map.windows.grids = await Promise.all(map.windows.grids.map(async (packed) => ({ ids: await sd.unpack(packed), height: packed.shape[0], width: packed.shape[1] })));
      }
      cache.answers.set(key, decoded);
      // Likeness to every pixel that was ever picked need not be kept.
      if (cache.answers.size > 40) cache.answers.delete(cache.answers.keys().next().value);
      return decoded;
    };
    const decode = async (picture) => {
      const packed = picture.colours ?? picture.values;
      return { ...picture, data: await sd.unpack(packed), height: packed.shape[0], width: packed.shape[1] };
    };

    const paint = (canvas, { width, height, data, colours }) => {
      const raster = sd.createRaster(canvas);
      raster.resize(width, height);
      if (colours) raster.paintColours(data);
      else raster.paintValues(data, sd.colormap("viridis"));
    };
    const frame = (name, words, picture, pressed, onClick) => {
      const canvas = e("canvas", { "aria-hidden": "true" });
      paint(canvas, picture);
      const button = e("button", { type: "button", class: "sd-frame-button", "aria-label": words, "aria-pressed": String(pressed), title: words }, canvas, e("span", { text: name }));
      button.addEventListener("click", onClick);
      return button;
    };
    /** Fill a strip anew, and keep the focus where it was. */
    const refill = (box, buttons) => {
      const at = [...box.children].indexOf(document.activeElement);
      box.replaceChildren(...buttons);
      if (at >= 0) box.children[Math.min(at, buttons.length - 1)].focus({ preventScroll: true });
    };

    const onCanvas = (map, picture, title) => {
      const grid = chosen.block === "off" ? null : map.windows?.grids[chosen.block === "next" ? 1 : 0];
      const entries = new Map();
      if (grid) for (const id of new Set(grid.ids)) entries.set(id, { label: `window ${id}`, color: [120, 120, 120], isthing: true });
      app.viewer.setMap(grid ? { width: grid.width, height: grid.height, ids: grid.ids, none: 65535, noun: ["window", "windows"], entries } : null);
      app.viewer.setVisible(null);
      const scalar = picture.range ? { data: picture.data, min: picture.range[0], max: picture.range[1] } : { colours: picture.data };
      app.viewer.setHeat({
        width: picture.width, height: picture.height, ...scalar, unit: "", noun: NOUNS[chosen.view], title, colormap: "viridis", pixelated: true, mapOutlines: grid ? "always" : false,
      });
    };

    const draw = async () => {
      const run = state.get("run");
      if (state.get("tab") !== "features" || !run || sd.lacking(run, "features")) return;
      view.set(chosen.view);
      windows.set(chosen.block);
      channels.hidden = chosen.view !== "channel";
      const pixel = state.get("pixel");
      const shown = { ...chosen };
      if (shown.view === "alike" && !pixel) {
        about.textContent = PICK;
        strip.replaceChildren();
        app.viewer.setHeat(null);
        app.viewer.setMap(run.map);
        return;
      }
      const answer = await ask("features", shown.view === "alike" ? { view: "alike", x: pixel.x, y: pixel.y } : { view: shown.view });
      if (!answer) return;
      const index = Math.min(shown.map, answer.maps.length - 1);
      const map = answer.maps[index];
      const one = shown.view === "channel" ? await ask("channels", { map: index, rank: Math.min(shown.rank, map.channels - 1) }) : null;
      if ((shown.view === "channel" && !one) || state.get("tab") !== "features" || state.get("run") !== run) return;
      if (Object.keys(shown).some((key) => shown[key] !== chosen[key]) || state.get("pixel") !== pixel) return;
      const picture = one ? one.pictures[0] : answer.pictures[index];
      refill(strip, answer.maps.map((other, number) => frame(nameOf(other), other.words, answer.pictures[number], number === index, () => choose({ map: number, rank: 0 }))));
      if (one) {
        const [, height, width] = one.small.shape;
        rank.input.max = String(map.channels);
        rank.set(Math.min(shown.rank, map.channels - 1) + 1);
        refill(small, one.order.slice(0, one.small.shape[0]).map((channel, number) => frame(String(channel), `Channel ${channel}, no. ${number + 1} by strength`,
          { width, height, data: one.small.data.subarray(number * width * height, (number + 1) * width * height) }, number === shown.rank, () => choose({ rank: number }))));
      }
      const subject = shown.view === "channel" ? `Channel ${picture.channel}, no. ${shown.rank + 1} of ${map.channels} by strength` : TITLES[shown.view] ?? "Principal components as red, green and blue";
      about.textContent = `${map.words} ${picture.words ?? ""}${shown.view === "alike" ? `The picked cell is in row ${picture.cell[0] + 1}, column ${picture.cell[1] + 1}.` : ""}`.trim();
      const none = answer.maps.every(({ windows: its }) => !its);
      windows.hidden = !map.windows;
      windowWords.textContent = map.windows?.words ?? (none ? NO_WINDOWS : "Windows are the backbone's: pick one of its stages above.");
      onCanvas(map, picture, `${subject}, ${nameOf(map)}`);
    };

    state.on(["run"], () => {
      strip.replaceChildren();
      small.replaceChildren();
      about.textContent = "";
      windowWords.textContent = "";
    });
    state.on(["pixel"], () => chosen.view === "alike" && draw());
    app.drawFeatures = draw;
    app.showAlike = () => choose({ view: "alike" });
    channels.hidden = windows.hidden = true;
  };

  const show = (app) => app.drawFeatures();
  /** A picked pixel asks what resembles it. */
  const pick = (app) => app.showAlike();

  sd.tabs.push({ id: "features", title: "Features", question: "Why", needs: "features", build, show, pick, asks: true });
})((window.segdemo ??= {}));
