// The report's canvas: the page's own viewer over the photo and the maps that the file holds.
((sd) => {
  "use strict";

  const STEP_MS = 700;
  const HEATS = {
    top: { title: "Probability of the best class", noun: "probability", colormap: "viridis", unit: "%" },
    entropy: { title: "Entropy over the classes: 0 sure, 1 undecided", noun: "entropy", colormap: "magma", unit: "" },
  };

  /** Unpack everything at once: maps by name, the planes, the layers, the attention maps, the votes' masks. */
  const unpackAll = async (told) => {
    const plain = async (packed) => ({ width: packed.shape.at(-1), height: packed.shape.at(-2), data: await sd.unpack(packed) });
    const maps = {};
    for (const [name, map] of Object.entries(told.maps)) {
      const { width, height, data } = await plain(map.ids);
      maps[name] = { width, height, ids: data, none: map.none, noun: map.noun, entries: new Map(map.entries.map((entry) => [entry.id, entry])) };
    }
    const { labels, arrays, ...size } = told.planes;
    const planes = { ...size, classLabel: (id) => labels[id] ?? `class ${id}` };
    for (const [name, plane] of Object.entries(arrays)) planes[name] = await sd.unpack(plane);
    const layers = told.layers && { ...await plain(told.layers.maps), entries: told.layers.entries, count: told.layers.maps.shape[0] };
    const attention = await Promise.all(told.attention.map(async (one) => ({ ...one, ...await plain(one.map) })));
    const votes = told.votes && await plain(told.votes);
    return { maps, planes, layers, attention, votes };
  };

  /**
   * Put the viewer and its controls into the report.
   * @param {HTMLElement} root the report @param {any} told what its file holds beside the text
   * @returns {Promise<object>} the viewer, and `show` for what the canvas shows
   */
  sd.startReport = async (root, told) => {
    const { maps, planes, layers, attention, votes } = await unpackAll(told);
    const place = /** @type {HTMLElement} */ (root.querySelector(".sdr-canvas"));
    const tools = /** @type {HTMLElement} */ (root.querySelector(".sdr-tools"));
    const listed = /** @type {HTMLElement} */ (root.querySelector(".sdr-listed"));
    const frames = [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".sdr-frame[data-show]"))];
    let selected = null;
    let timer = null;
    let lit = null;

    const viewer = sd.createViewer(place, {
      onPick: ({ id }) => select(id), onClear: () => select(null), onView: ({ opacity }) => slider.set(opacity),
    });
    const select = (id) => {
      selected = id === null || selected === id ? null : id;
      viewer.select(selected);
      listing.mark(selected);
    };
    const listing = sd.buildListing({ viewer, onSelect: select, empty: (noun) => `No ${noun[1]} were found: no query was sure enough.` });

    /** The ids of a map that are switched on at first. */
    const visible = ({ entries }) => told.visible && [...entries].filter(([id, entry]) => told.visible.includes(entry.category_id ?? id)).map(([id]) => id);

    const showMap = (map) => {
      selected = null;
      viewer.select(null);
      viewer.setMap(map);
      listing.show(map.entries, map.noun, visible(map));
    };

    /** The map of a decoder layer, with the areas that its classes have there. */
    const layerMap = (layer) => {
      const size = layers.width * layers.height;
      const ids = layers.data.subarray(layer * size, (layer + 1) * size);
      const counts = new Map();
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
      const there = layers.entries.filter(({ id }) => counts.has(id)).map((entry) => [entry.id, { ...entry, area: counts.get(entry.id) / size }]);
      there.sort(([, one], [, two]) => two.area - one.area);
      return { width: layers.width, height: layers.height, ids, none: 65535, noun: ["class", "classes"], entries: new Map(there) };
    };

    /** Show `semantic`, `segments`, `top`, `entropy`, `layer:3` or `attention:0`. */
    const show = (what) => {
      const [kind, number] = what.split(":");
      viewer.setHeat(null);
      viewer.setName(kind === "layer" ? (number === "0" ? "Initial prediction" : `Layer ${number}`) : null);
      if (kind === "layer") showMap(layerMap(Number(number)));
      else showMap(maps[kind] ?? maps.semantic);
      if (HEATS[kind]) viewer.setHeat({ width: planes.width, height: planes.height, data: planes[kind], min: 0, max: 1, ...HEATS[kind] });
      if (kind === "attention") {
        const { width, height, data, max, title } = attention[Number(number)];
        viewer.setHeat({ width, height, data, min: 0, max, unit: "%", noun: "attention", title, colormap: "viridis" });
      }
      views.set(kind);
      for (const frame of frames) if (!frame.dataset.show.startsWith("vote")) frame.setAttribute("aria-pressed", String(frame.dataset.show === what));
    };

    /** Bring out the mask of a query that voted; null ends that. */
    const light = (number) => {
      const size = votes && votes.width * votes.height;
      viewer.light(number === null ? null : { width: votes.width, height: votes.height, data: votes.data.subarray(number * size, (number + 1) * size) });
    };

    for (const frame of frames) {
      const [kind, number] = frame.dataset.show.split(":");
      frame.setAttribute("role", "button");
      frame.tabIndex = 0;
      frame.setAttribute("aria-pressed", "false");
      const act = () => {
        stop();
        if (kind !== "vote") return show(frame.dataset.show);
        lit = lit === Number(number) ? null : Number(number);
        for (const other of frames) if (other.dataset.show.startsWith("vote")) other.setAttribute("aria-pressed", String(other.dataset.show === `vote:${lit}`));
        return light(lit);
      };
      frame.addEventListener("click", act);
      frame.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        act();
      });
      if (kind !== "vote") continue;
      frame.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && light(Number(number)));
      frame.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && light(lit));
    }

    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play the layers";
    };
    const play = sd.button("Play the layers", () => {
      if (timer) return stop();
      let layer = 0;
      show("layer:0");
      play.textContent = "Pause";
      timer = setInterval(() => {
        layer += 1;
        if (layer >= layers.count) stop();
        else show(`layer:${layer}`);
      }, STEP_MS);
      return null;
    }, "sdr-play");
    if (layers) root.querySelector("#layers .sdr-frames").before(play);

    const options = [["semantic", "Classes"], ...(maps.segments ? [["segments", maps.segments.noun[1].replace(/^./, (first) => first.toUpperCase())]] : []), ["top", "How sure"], ["entropy", "How undecided"]];
    const views = sd.segmented({ label: "What is shown", options, value: told.shown, onChange: (what) => {
      stop();
      show(what);
    } });
    const { opacity, outlines, hatching } = told.look;
    const slider = sd.slider({ label: "Opacity", min: 0, max: 1, step: 0.05, value: opacity, format: sd.wholePercent, onInput: (value) => viewer.setOpacity(value) });
    tools.append(views, slider,
      sd.check({ label: "Outlines", checked: outlines, onChange: (on) => viewer.setOutlines(on) }),
      sd.check({ label: "Hatch stuff", checked: hatching, onChange: (on) => viewer.setHatching(on) }));
    listed.append(listing.element);

    viewer.setOpacity(opacity);
    viewer.setOutlines(outlines);
    viewer.setHatching(hatching);
    await viewer.setPhoto(told.photo);
    viewer.setPlanes(planes);
    if (told.pixel) viewer.setPixel(told.pixel);
    root.classList.add("sdr-live");
    show(told.shown);
    return { viewer, show };
  };

  // Paper has nothing to unfold.
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  const told = document.getElementById("told");
  if (told) {
    sd.followTheme();
    sd.report = sd.startReport(document.getElementById("report"), JSON.parse(told.textContent));
  }
})((window.segdemo ??= {}));
