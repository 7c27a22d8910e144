// What is on the canvas and how it gets painted: one state, and the layers that are out of date.
((sd) => {
  "use strict";

  const NOTHING = 65535;
  /** Area in CSS pixels under which a selected region gets a thin outline. */
  const SMALL_REGION = 1600;
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
    /** The maps as runs, and their borders, each made when first needed. */
    const runs = { map: null, before: null, after: null, changed: null, difference: null };
    const edges = { map: null, before: null, after: null, heat: null };
    let hatchPeriod = 0;
    let pending = 0;
    /** What has to be painted: `fill` is a set of ids, true for everything, or null. */
    const stale = { fill: null, tables: false, lines: false, selection: false };

    const scene = {
      photo: null, map: null, planes: null, heat: null,
      visible: null, dimHidden: false, highlight: null, selected: null, pixel: null, cursor: null,
      opacity: 0.6, outlines: true, hatching: false,
      lastPaintMs: 0, paints: 0, onLayout: () => {}, onPaint: () => {},
    };

    /** What the ids on the canvas are: the map's entries, and those that only the other side of a comparison has. */
    scene.entries = () => {
      const { entries } = scene.map;
      return compare.data?.entries ? new Map([...compare.data.entries, ...entries]) : entries;
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
      stale.fill ??= new Set();
      for (const id of ids) stale.fill.add(id);
      stale.tables = true;
      return scene.touch("lines");
    };

    scene.setMap = (map) => {
      scene.map = map;
      runs.map = map && sd.traceRuns(map.ids, map.width, map.height);
      edges.map = null;
      rasters.overlay.resize(map?.width ?? 0, map?.height ?? 0);
      scene.touch("fill", "lines", "selection");
    };

    scene.setHeat = (map) => {
      scene.heat = map;
      const outline = map?.outline;
      edges.heat = outline ? sd.traceEdges(sd.traceRuns(outline.mask, outline.width, outline.height)) : null;
      heat.set(map);
      scene.touch("lines", "selection");
    };

    scene.setCompare = (data) => {
      const changed = Boolean(compare.data || data);
      const trace = (ids) => sd.traceRuns(ids, scene.map.width, scene.map.height);
      runs.before = data && trace(data.before);
      runs.after = data && (data.after === scene.map.ids ? runs.map : trace(data.after));
      runs.changed = data?.mode === "changed" ? trace(data.changed) : null;
      runs.difference = data?.mode === "changed"
        ? trace(Uint16Array.from(data.after, (id, i) => (data.changed[i] ? id : NOTHING))) : null;
      edges.before = edges.after = null;
      compare.set(data);
      if (changed) scene.touch("fill", "lines", "selection");
    };

    /** The stripes' period in map pixels: about ten CSS pixels while the whole photo fits. */
    const wantedPeriod = () => {
      if (!scene.map || !scene.hatching) return 0;
      const mapPixels = (10 * scene.map.width) / (view.imageWidth * view.fitScale());
      return 2 ** sd.clamp(Math.round(Math.log2(mapPixels)), 2, 7);
    };

    const paintFill = (only) => {
      const { map } = scene;
      const mode = compare.data?.mode;
      // These two are only there while they are needed: each is as large as the map.
      parts.dim.hidden = !(mode === "changed" || (scene.dimHidden && scene.visible));
      rasters.dim.resize(...(map && !parts.dim.hidden ? [map.width, map.height] : [0, 0]));
      rasters.before.resize(...(mode ? [map.width, map.height] : [0, 0]));
      if (!map) return;
      const how = { only, hatch: hatchPeriod };
      const shown = mode ? runs.after : runs.map;
      rasters.overlay.paint(mode === "changed" ? runs.difference : shown, tables.fill, how);
      if (mode) rasters.before.paint(runs.before, tables.fill, how);
      if (mode === "changed") rasters.dim.paint(runs.changed, sd.dimWhereZero);
      else if (!parts.dim.hidden) rasters.dim.paint(shown, tables.dim, { only });
    };

    const edgesOf = (name) => (edges[name] ??= sd.traceEdges(runs[name]));

    const paintLines = () => {
      const ratio = window.devicePixelRatio || 1;
      const box = view.rectangle();
      lines.begin(view.width, view.height, ratio);
      const outline = (name, from, to) => {
        const traced = edgesOf(name);
        const { stuff, stuffCount, things, thingCount } = sd.sortEdges(traced, tables.flags);
        lines.draw(traced, stuff, stuffCount, box, { ...LINE.stuff, ratio, from, to });
        lines.draw(traced, things, thingCount, box, { ...LINE.casing, ratio, from, to });
        lines.draw(traced, things, thingCount, box, { ...LINE.thing, ratio, from, to });
      };
      const wanted = scene.map && (scene.heat?.mapOutlines === "always" || (scene.outlines && (!scene.heat || scene.heat.mapOutlines)));
      const mode = compare.data?.mode;
      if (wanted && !mode) outline("map");
      else if (wanted && mode === "split") {
        outline("before", 0, compare.x);
        outline("after", compare.x, view.width);
      } else if (wanted && mode === "blink") outline(compare.side);
      lines.end();
    };

    const paintSelection = () => {
      const ratio = window.devicePixelRatio || 1;
      const box = view.rectangle();
      selection.begin(view.width, view.height, ratio);
      const around = (traced, id, ...pens) => {
        const chosen = sd.edgesAround(traced, id);
        for (const pen of pens) selection.draw(traced, chosen, chosen.length, box, { ...pen, ratio });
      };
      const known = (id) => id !== null && scene.map?.entries.has(id);
      if (edges.heat) around(edges.heat, 1, LINE.casing, LINE.thing);
      if (known(scene.highlight)) around(edgesOf("map"), scene.highlight, LINE.casing, LINE.thing);
      if (known(scene.selected)) {
        const share = scene.map.entries.get(scene.selected).area ?? 1;
        // A thick line would swallow what is only a few pixels wide.
        const small = share * box.width * box.height < SMALL_REGION;
        around(edgesOf("map"), scene.selected, ...(small ? [LINE.casing, LINE.thing] : [LINE.strongCasing, LINE.strong]));
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
      if (stale.tables && scene.map) sd.fillTables(tables, scene.entries(), scene);
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

    const isBefore = (x, y) =>
      compare.side === "before" || (compare.data?.mode === "split" && view.toScreen(x, y).x < compare.x);

    /** The ids that are seen at image coordinates: those of one side of a comparison, or the map's. */
    scene.idsAt = (x, y) => {
      if (!compare.data) return scene.map.ids;
      return isBefore(x, y) ? compare.data.before : compare.data.after;
    };

    /** The layers over the photo at image coordinates, composited: [r, g, b, a], each 0..255. */
    scene.at = (x, y) => {
      if (pending) scene.paint();
      const faded = (color, node) => [color[0], color[1], color[2], color[3] * Number(node.style.opacity || 1)];
      const fill = faded(rasters[isBefore(x, y) ? "before" : "overlay"].at(x, y), parts.overlay);
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
