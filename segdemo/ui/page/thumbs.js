// Thumbnails of the queries' masks: fetched once for a run, painted onto small canvases, lit on the photo.
((sd) => {
  "use strict";

  /** Where a query's mask is, over what is dark: bytes 0..255 as grey with the accent where it is sure. */
  const PAINT = Uint32Array.from({ length: 256 }, (_, value) => sd.word(value, value, value, 255));

  /**
   * @param {{state: any, client: any, guard: Function, viewer: any}} app
   * @returns {{paint: Function, light: Function, covering: Function}}
   */
  sd.createThumbs = (app) => {
    const { state, client } = app;
    const kept = { run: null, masks: null };
    /** Names the last wish to light something, so that a late answer to an older one lights nothing. */
    let lit = null;

    /** All masks of the shown run: {width, height, at: (query) => Uint8Array}, or null where they cannot be had. */
    const fetchMasks = () => {
      const run = state.get("run");
      if (kept.run !== run) {
        kept.run = run;
        kept.masks = app.guard(async () => {
          const { masks } = await client.call("masks", { token: run.token });
          const [, height, width] = masks.shape;
          const flat = await sd.unpack(masks);
          return { width, height, at: (query) => flat.subarray(query * width * height, (query + 1) * width * height) };
        });
      }
      return kept.masks;
    };

    /** Paint a query's mask onto a canvas, as soon as it is there. */
    const paint = async (canvas, query) => {
      const run = state.get("run");
      const masks = await fetchMasks();
      if (!masks || state.get("run") !== run) return;
      const raster = sd.createRaster(canvas);
      raster.resize(masks.width, masks.height);
      raster.paintValues(masks.at(query), PAINT);
    };

    /** Show a query's mask on the photo for as long as something points at it; null ends that. */
    const light = async (query) => {
      const wanted = query === null ? null : {};
      lit = wanted;
      if (wanted === null) {
        app.viewer.light(null);
        return;
      }
      const masks = await fetchMasks();
      if (!masks || lit !== wanted) return;
      app.viewer.light({ data: masks.at(query), width: masks.width, height: masks.height });
    };
    /** The queries whose mask covers a pixel at least with probability `least`, as far as thumbnails tell. */
    const covering = async ({ x, y }, least) => {
      const masks = await fetchMasks();
      const place = masks ? sd.cell(x, masks.width) + sd.cell(y, masks.height) * masks.width : 0;
      return new Set(masks ? state.get("run").queries.map(({ query }) => query).filter((query) => masks.at(query)[place] >= 255 * least) : []);
    };
    return { paint, light, covering };
  };

  /** A small picture of a query's mask; `label` says in words what it shows. */
  sd.thumbnail = (app, query, label = "") => {
    const canvas = sd.element("canvas", label ? { class: "sd-thumb", role: "img", "aria-label": label } : { class: "sd-thumb", "aria-hidden": "true" });
    app.thumbs.paint(canvas, query);
    return canvas;
  };

  /** Let a node light a query's mask on the photo while it is pointed at or has the focus. */
  sd.lightsMask = (app, node, query) => {
    for (const type of ["pointerenter", "focusin"]) node.addEventListener(type, () => app.thumbs.light(query));
    for (const type of ["pointerleave", "focusout"]) node.addEventListener(type, () => app.thumbs.light(null));
  };
})((window.segdemo ??= {}));
