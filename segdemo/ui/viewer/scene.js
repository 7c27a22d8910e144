// What is on the canvas and how it gets painted: one state, and the layers that are out of date.
((sd) => {
  "use strict";

  const LINE = {
    stuff: { thick: 1, color: sd.word(255, 255, 255, 150) },
    casing: { thick: 3, color: sd.word(0, 0, 0, 120) },
    thing: { thick: 1.2, color: sd.word(255, 255, 255, 240) },
    strongCasing: { thick: 6, color: sd.word(0, 0, 0, 170) },
    strong: { thick: 3, color: sd.word(255, 255, 255, 255) },
  };

  /** `top` over `bottom`, both [r, g, b, a] with a in 0..255. */
  const over = (top, bottom) => {
    const alpha = top[3] + bottom[3] * (1 - top[3] / 255);
    if (!alpha) return [0, 0, 0, 0];
    const mix = (k) => (top[k] * top[3] + bottom[k] * bottom[3] * (1 - top[3] / 255)) / alpha;
    return [mix(0), mix(1), mix(2), alpha];
  };

  const union = (one, two) =>
    one && two
      ? [Math.min(one[0], two[0]), Math.min(one[1], two[1]), Math.max(one[2], two[2]), Math.max(one[3], two[3])]
      : (one ?? two);

  /**
   * @param {object} parts the frame's elements
   * @param {object} view where the photo lies
   * @param {object} heat, compare as their modules make them
   */
  sd.createScene = (parts, view, heat, compare) => {
    const rasters = {
      dim: sd.createRaster(parts.dim),
      before: sd.createRaster(parts.before),
      overlay: sd.createRaster(parts.overlay),
    };
    const lines = sd.createLines(parts.lines);
    const selection = sd.createLines(parts.selection);
    const tables = sd.createTables();
    const traced = { map: null, before: null, heat: null };
    let boxes = new Map();
    let hatchPeriod = 0;
    let pending = 0;
    /** What has to be painted: `fill` is a box, true for everything, or null. */
    const stale = { fill: null, tables: false, lines: false, selection: false };

    const scene = {
      photo: null, map: null, planes: null, heat: null,
      visible: null, dimHidden: false, highlight: null, selected: null, pixel: null, cursor: null,
      opacity: 0.6, outlines: true, hatching: false,
      lastPaintMs: 0, paints: 0, onLayout: () => {}, onPaint: () => {},
    };

    /** Ask for a repaint of `fill`, `lines` or `selection` in the next frame. */
    scene.touch = (...names) => {
      for (const name of names) {
        if (name === "fill") stale.fill = stale.tables = true;
        else stale[name] = true;
      }
      pending ||= window.requestAnimationFrame(scene.paint);
    };

    /** Ask for a repaint of the parts of the map where these ids are. */
    scene.touchIds = (ids) => {
      if (compare.data || stale.fill === true) return scene.touch("fill", "lines");
      for (const id of ids) stale.fill = union(stale.fill, boxes.get(id));
      stale.tables = true;
      return scene.touch("lines");
    };

    scene.setMap = (map) => {
      scene.map = map;
      boxes = map ? sd.boxes(map.ids, map.width, map.height) : new Map();
      traced.map = null;
      for (const raster of Object.values(rasters)) raster.resize(map?.width ?? 0, map?.height ?? 0);
      scene.touch("fill", "lines", "selection");
    };

    scene.setHeat = (map) => {
      scene.heat = map;
      traced.heat = map?.outline ? sd.traceEdges(map.outline.mask, map.outline.width, map.outline.height) : null;
      heat.set(map);
      scene.touch("lines", "selection");
    };

    scene.setCompare = (data) => {
      const changed = Boolean(compare.data || data);
      traced.before = null;
      compare.set(data);
      if (changed) scene.touch("fill", "lines", "selection");
    };

    /** The stripes' period in map pixels: about ten CSS pixels while the whole photo fits. */
    const wantedPeriod = () => {
      if (!scene.map || !scene.hatching) return 0;
      const mapPixels = (10 * scene.map.width) / (view.imageWidth * view.fitScale());
      return 2 ** sd.clamp(Math.round(Math.log2(mapPixels)), 2, 7);
    };

    const paintFill = (box) => {
      const { map } = scene;
      if (!map) return;
      const how = { box, hatch: hatchPeriod };
      const data = compare.data;
      if (data) {
        rasters.overlay.paint(data.after, tables.fill, { ...how, mask: data.mode === "changed" ? data.changed : null });
        rasters.before.paint(data.before, tables.fill, how);
      } else rasters.overlay.paint(map.ids, tables.fill, how);
      const onlyChanged = data?.mode === "changed";
      parts.dim.hidden = !(onlyChanged || (scene.dimHidden && scene.visible));
      if (onlyChanged) rasters.dim.paint(data.changed, sd.dimWhereZero);
      else if (!parts.dim.hidden) rasters.dim.paint(data ? data.after : map.ids, tables.dim, { box });
    };

    const edgesOf = (name, ids) =>
      (traced[name] ??= sd.traceEdges(ids, scene.map.width, scene.map.height));

    const paintLines = () => {
      const ratio = window.devicePixelRatio || 1;
      const box = view.rectangle();
      lines.begin(view.width, view.height, ratio);
      const { flags } = tables;
      const outline = (runs, from, to) => {
        const stroke = (pen, pick) => lines.draw(runs, box, { ...pen, ratio, from, to }, pick);
        const inside = (a, b) => a !== 65535 && b !== 65535;
        stroke(LINE.stuff, (a, b) => (flags[a] | flags[b]) === 1 && inside(a, b));
        const isThing = (a, b) => ((flags[a] | flags[b]) & 2) !== 0 && inside(a, b);
        stroke(LINE.casing, isThing);
        stroke(LINE.thing, isThing);
      };
      const wanted = scene.map && scene.outlines && (!scene.heat || scene.heat.mapOutlines);
      const mode = compare.data?.mode;
      if (wanted && mode === "split") {
        outline(edgesOf("before", compare.data.before), 0, compare.x);
        outline(edgesOf("map", scene.map.ids), compare.x, view.width);
      } else if (wanted && mode === "blink" && compare.side === "before") {
        outline(edgesOf("before", compare.data.before));
      } else if (wanted && mode !== "changed") outline(edgesOf("map", scene.map.ids));
      lines.end();
    };

    const paintSelection = () => {
      const ratio = window.devicePixelRatio || 1;
      const box = view.rectangle();
      selection.begin(view.width, view.height, ratio);
      const around = (runs, id, casing, core) => {
        const pick = (a, b) => (a === id) !== (b === id);
        selection.draw(runs, box, { ...casing, ratio }, pick);
        selection.draw(runs, box, { ...core, ratio }, pick);
      };
      const known = (id) => id !== null && scene.map?.entries.has(id);
      if (traced.heat) around(traced.heat, 1, LINE.casing, LINE.thing);
      if (known(scene.highlight)) around(edgesOf("map", scene.map.ids), scene.highlight, LINE.casing, LINE.thing);
      if (known(scene.selected)) {
        around(edgesOf("map", scene.map.ids), scene.selected, LINE.strongCasing, LINE.strong);
      }
      selection.end();
    };

    const mark = (node, point) => {
      node.hidden = !point;
      if (!point) return;
      const at = view.toScreen(point.x, point.y);
      node.style.transform = `translate(${at.x}px, ${at.y}px)`;
    };

    /** Put everything where the view says; the outlines follow in the next frame. */
    scene.layout = () => {
      const box = view.rectangle();
      const { stage, pixel, cursor } = parts;
      stage.style.width = `${box.width / view.zoom}px`;
      stage.style.height = `${box.height / view.zoom}px`;
      stage.style.transform = `translate(${box.left}px, ${box.top}px) scale(${view.zoom})`;
      const mapPixel = (box.width / (scene.map?.width ?? view.imageWidth)) * (window.devicePixelRatio || 1);
      stage.classList.toggle("sdv-magnified", mapPixel >= 1.5);
      parts.frame.style.setProperty("--sd-inset", `${Math.max(0, box.left)}px`);
      mark(pixel, scene.pixel);
      mark(cursor, scene.cursor);
      compare.layout(view);
      scene.onLayout();
      const period = wantedPeriod();
      if (period !== hatchPeriod) {
        hatchPeriod = period;
        scene.touch("fill");
      }
      scene.touch("lines", "selection");
    };

    /** Paint what is out of date, now. */
    scene.paint = () => {
      if (pending) window.cancelAnimationFrame(pending);
      pending = 0;
      const start = performance.now();
      const { fill } = stale;
      if (stale.tables && scene.map) sd.fillTables(tables, scene.map.entries, scene);
      if (fill) paintFill(fill === true ? null : fill);
      if (stale.lines) paintLines();
      if (stale.selection) paintSelection();
      Object.assign(stale, { fill: null, tables: false, lines: false, selection: false });
      const covered = scene.heat && !scene.heat.mapFill;
      parts.overlay.style.opacity = parts.before.style.opacity = covered ? "0" : String(scene.opacity);
      parts.dim.style.opacity = covered ? "0" : "1";
      parts.lines.style.opacity = scene.map?.entries.has(scene.highlight) ? "0.3" : "1";
      scene.onPaint();
      scene.lastPaintMs = performance.now() - start;
      scene.paints += 1;
    };

    /** The layers over the photo at image coordinates, composited: [r, g, b, a], each 0..255. */
    scene.at = (x, y) => {
      if (pending) scene.paint();
      const split = compare.data?.mode === "split" && view.toScreen(x, y).x < compare.x;
      const before = split || compare.side === "before";
      const faded = (color, node) => [color[0], color[1], color[2], color[3] * Number(node.style.opacity || 1)];
      const fill = faded(rasters[before ? "before" : "overlay"].at(x, y), parts.overlay);
      const dim = parts.dim.hidden ? [0, 0, 0, 0] : faded(rasters.dim.at(x, y), parts.dim);
      return over(heat.at(x, y), over(fill, dim)).map(Math.round);
    };

    /** The outline and selection layers at viewport pixel (x, y): [r, g, b, a]. */
    scene.lineAt = (x, y) => {
      if (pending) scene.paint();
      const ratio = window.devicePixelRatio || 1;
      return over(selection.at(x, y, ratio), lines.at(x, y, ratio)).map(Math.round);
    };
    return scene;
  };
})((window.segdemo ??= {}));
