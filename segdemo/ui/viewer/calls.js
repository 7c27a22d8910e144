// The calls that the page makes on a viewer.
((sd) => {
  "use strict";

  /** Dark where a mask is not. */
  const SHADE = Uint32Array.from({ length: 256 }, (_, value) => sd.word(8, 9, 11, Math.round(0.78 * (255 - value))));

  const sameSet = (one, two) =>
    one === two || (one && two && one.size === two.size && [...one].every((id) => two.has(id)));

  /** @returns {object} the viewer's methods, over its parts, scene and view */
  sd.viewerCalls = ({ parts, scene, view, heat, changeView, refreshWords, describe }) => {
    const calls = {};
    const light = sd.createRaster(parts.light);

    /**
     * Show another photo; what was on the old one goes. The same src again changes nothing.
     * @param {{src: string, width: number, height: number, alt?: string, keepView?: boolean}} photo width and height of
     *   the display size; with `keepView` zoom and pan stay where the size does
     * @returns {Promise<void>} settled when the photo is decoded
     */
    calls.setPhoto = (photo) => {
      if (scene.photo?.src === photo.src) return parts.photo.decode().catch(() => {});
      const same = photo.keepView && scene.photo?.width === photo.width && scene.photo?.height === photo.height;
      calls.setCompare(null);
      calls.setHeat(null);
      Object.assign(scene, { photo, planes: null, highlight: null, selected: null, pixel: null, cursor: null });
      scene.visible = null;
      scene.setMap(null);
      parts.photo.src = photo.src;
      parts.photo.hidden = false;
      parts.empty.hidden = true;
      parts.viewport.setAttribute("aria-label", photo.alt ? `Photo: ${photo.alt}` : "Photo");
      parts.frame.style.setProperty("--sd-aspect", `${photo.width} / ${photo.height}`);
      Object.assign(view, { imageWidth: photo.width, imageHeight: photo.height });
      if (!same) view.fitAll();
      view.width = Math.max(1, parts.viewport.clientWidth);
      view.height = Math.max(1, parts.viewport.clientHeight);
      changeView(() => {});
      refreshWords();
      return parts.photo.decode().catch(() => {});
    };

    /**
     * @param {null|{width: number, height: number, ids: Uint8Array|Uint16Array, none?: number, noun?: string[],
     *   entries: Map<number, {label: string, name?: string, color: number[], isthing: boolean, area: number,
     *   score?: number, hatched?: boolean}>, words?: (x: number, y: number) => {color: number[]|null, name: string, rest:
     *   string}}} map ids that are no key of `entries` are nothing, `none` among them; `label` is the
     *   class's, `name` the segment's own ("car 2"); `area` is a share 0..1; `noun` is ["segment", "segments"] for
     *   the description; `hatched` goes before `isthing` where stripes are on; `words` are the read-out's own. Ends a comparison; a visible set, highlight and selection stay
     */
    calls.setMap = (map) => {
      if (map && map.ids.length !== map.width * map.height) {
        throw new Error(`${map.ids.length} ids do not fill ${map.width} x ${map.height}.`);
      }
      scene.setCompare(null);
      scene.setMap(map);
      scene.layout();
      refreshWords();
    };

    /**
     * @param {null|{width: number, height: number, classLabel: (id: number) => string, topId: Uint8Array|Uint16Array,
     *   top?: Uint8Array, runner?: Uint8Array|Uint16Array, runnerProb?: Uint8Array, query?: Uint8Array|Uint16Array,
     *   entropy?: Uint8Array}} planes probabilities and entropy 0..255 for 0..1; the largest id (255 or 65535) is none
     */
    calls.setPlanes = (planes) => {
      scene.planes = planes;
    };

    /**
     * Show a scalar map over the photo, with its legend; the segmentation gives way unless kept.
     * @param {null|{width: number, height: number, data: Uint8Array|Float32Array, min: number, max: number,
     *   colours?: Uint8Array, unit?: string, title?: string, colormap?: "viridis"|"magma"|"cividis", opacity?: number, pixelated?: boolean,
     *   mapFill?: boolean, mapOutlines?: boolean|"always", outline?: {mask: Uint8Array, width: number, height: number}}} map
     *   `colours` instead of `data`, `min` and `max` is a picture of three bytes a pixel; bytes run from min (0) to max (255); `outline` is drawn around the mask's ones; without `opacity` the heatmap
     *   has the viewer's; `mapFill`, `mapOutlines` keep the segmentation's colours, outlines (if switched on, or
     *   `mapOutlines` is "always")
     */
    calls.setHeat = (map) => {
      if (!map && !scene.heat) return;
      scene.setHeat(map);
      refreshWords();
    };

    /**
     * Bring out a mask for a moment: the photo is dark outside.
     * @param {null|{width: number, height: number, data: Uint8Array}} mask mask probabilities, 255 for 1
     */
    calls.light = (mask) => {
      parts.light.hidden = !mask;
      if (!mask) return;
      light.resize(mask.width, mask.height);
      light.paintValues(mask.data, SHADE);
    };

    /** @param {number|null} opacity the heatmap's own, 0..1; null lets it follow setOpacity again */
    calls.setHeatOpacity = (opacity) => heat.setOpacity(opacity);

    /** @param {Iterable<number>|null} ids what is shown; null for everything */
    calls.setVisible = (ids) => {
      const next = ids === null ? null : new Set(ids);
      if (sameSet(scene.visible, next)) return;
      const all = scene.map ? [...scene.map.entries.keys()] : [];
      const shown = (set, id) => set === null || set.has(id);
      const toggled = all.filter((id) => shown(scene.visible, id) !== shown(next, id));
      const dimmingBegins = scene.dimHidden && (scene.visible === null) !== (next === null);
      scene.visible = next;
      if (dimmingBegins) scene.touch("fill", "lines");
      else scene.touchIds(toggled);
      refreshWords();
    };

    /** Darken the photo where nothing is shown. */
    calls.setDimHidden = (dimmed) => {
      scene.dimHidden = Boolean(dimmed);
      scene.touch("fill");
    };

    /** Bring out one id for a moment: the others fade, it gets an outline even when hidden. */
    calls.highlight = (id) => {
      if (scene.highlight === id) return;
      scene.highlight = id;
      scene.touch("fill", "selection");
    };

    /** The selected id, strongly outlined until it changes. */
    calls.select = (id) => {
      if (scene.selected === id) return;
      scene.selected = id;
      scene.touch("selection");
      refreshWords();
    };

    /**
     * @param {{x: number, y: number, exact?: {classId: number, label: string, probability: number, runner: string|null,
     *   runnerProbability: number|null, query: number}}|null} point the picked pixel's marker, in image coordinates;
     *   `exact` is what is known of it from elsewhere and goes before the planes
     */
    calls.setPixel = (point) => {
      scene.pixel = point;
      scene.layout();
      scene.onPaint();
    };

    calls.setOpacity = (opacity) => {
      scene.opacity = sd.clamp(opacity, 0, 1);
      heat.setCommonOpacity(scene.opacity);
      scene.touch();
    };

    calls.setOutlines = (shown) => {
      scene.outlines = Boolean(shown);
      scene.touch("lines");
    };

    /** Hatch stuff, so that it is told from things by more than colour. */
    calls.setHatching = (shown) => {
      scene.hatching = Boolean(shown);
      scene.layout();
    };

    /**
     * Compare two id maps of the map's size, in the map's colours.
     * @param {null|{before: Uint8Array|Uint16Array, after?: Uint8Array|Uint16Array, changed?: Uint8Array,
     *   entries?: Map, names?: string[], mode: "split"|"blink"|"changed"}} data `names` are in place of before and after; `after` is the map when left out, `changed` 1 where they
     *   differ, `entries` those of `before` where some of them are no longer in the map
     */
    calls.setCompare = (data) => {
      if (!scene.map) data = null;
      for (const ids of [data?.before, data?.after]) {
        if (ids && ids.length !== scene.map.ids.length) throw new Error("The maps to compare differ in size.");
      }
      const after = data?.after ?? scene.map?.ids;
      scene.setCompare(data && { ...data, after, changed: data.changed ?? sd.difference(data.before, after) });
      scene.layout();
    };

    /** Zoom about the middle, or the keyboard's cursor while there is one. */
    calls.zoomBy = (factor) => {
      const middle = { x: view.width / 2, y: view.height / 2 };
      const point = scene.cursor ? view.toScreen(scene.cursor.x, scene.cursor.y) : middle;
      changeView(() => view.zoomAt(factor, point.x, point.y), true);
    };

    /** Bring an image point to the middle. @param {{x: number, y: number, zoom: number}} place */
    calls.lookAt = (place) => changeView(() => Object.assign(view, place), true);

    /** Go to a place at once. @param {{x: number, y: number, zoom: number}} place */
    calls.setView = ({ x, y, zoom }) => changeView(() => Object.assign(view, { x, y, zoom }));

    /** Show the whole photo. */
    calls.fit = () => changeView(() => view.fitAll(), true);

    /** Show the whole photo at once, as after opening it. */
    calls.resetView = () => changeView(() => view.fitAll());

    calls.describe = describe;

    /** @param {string|null} text which of several results this is, in a corner of the photo */
    calls.setName = (text) => {
      parts.name.hidden = !text;
      parts.name.textContent = text ?? "";
    };

    /** @param {{kind: "info"|"error"|"busy", text: string}|null} message a strip at the photo's top */
    calls.setMessage = (message) => {
      parts.message.hidden = !message;
      parts.message.dataset.kind = message?.kind ?? "";
      parts.message.setAttribute("role", message?.kind === "error" ? "alert" : "status");
      parts.messageText.textContent = message?.text ?? "";
    };

    /** @returns {boolean} whether a message is on the photo */
    calls.hasMessage = () => !parts.message.hidden;

    /** @param {{text?: string, fraction: number|null}|null} progress a line at the top; fraction null: unknown */
    calls.setProgress = (progress) => {
      const { bar } = parts;
      bar.hidden = !progress;
      parts.progress.hidden = !progress?.text;
      if (parts.progress.textContent !== (progress?.text ?? "")) parts.progress.textContent = progress?.text ?? "";
      const known = typeof progress?.fraction === "number";
      bar.classList.toggle("sdv-unknown", Boolean(progress) && !known);
      bar.firstChild.style.transform = known ? `scaleX(${sd.clamp(progress.fraction, 0, 1)})` : "";
      if (known) bar.setAttribute("aria-valuenow", String(Math.round(progress.fraction * 100)));
      else bar.removeAttribute("aria-valuenow");
    };

    /** Back to no photo. */
    calls.clear = () => {
      calls.setCompare(null);
      calls.setHeat(null);
      Object.assign(scene, { photo: null, planes: null, highlight: null, selected: null, pixel: null, cursor: null });
      scene.visible = null;
      scene.setMap(null);
      parts.photo.removeAttribute("src");
      parts.photo.hidden = true;
      parts.empty.hidden = false;
      parts.viewport.setAttribute("aria-label", "Photo viewer");
      calls.setMessage(null);
      calls.setProgress(null);
      view.fitAll();
      scene.layout();
      refreshWords();
    };

    /** @returns {{lastPaintMs: number, paints: number}} script time of the last repaint, and how many there were */
    calls.stats = () => ({ lastPaintMs: scene.lastPaintMs, paints: scene.paints });

    /** Paint what waits for the next frame now. */
    calls.flush = () => scene.paint();

    /** @returns {number[]} the layers over the photo at image coordinates: [r, g, b, a], each 0..255 */
    calls.pixelAt = (x, y) => scene.at(x, y);

    /** @returns {number[]} outlines and selection at image coordinates as drawn: [r, g, b, a] */
    calls.lineAt = (x, y) => {
      const point = view.toScreen(x, y);
      return scene.lineAt(point.x, point.y);
    };

    /** @returns {{zoom: number, x: number, y: number, opacity: number}} */
    calls.view = () => ({ zoom: view.zoom, x: view.x, y: view.y, opacity: scene.opacity });
    return calls;
  };
})((window.segdemo ??= {}));
