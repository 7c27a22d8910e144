// Painting id maps: tables of colours by id, and canvases filled from raw id bytes through them.
((sd) => {
  "use strict";

  const IDS = 65536;
  const FADED = 56;
  /** A translucent near-black grey: darkens and takes colour out of the photo below it. */
  const DIM = [30, 31, 34, 184];

  /** One canvas pixel as the little-endian word that ImageData keeps. */
  const word = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  sd.word = word;

  /** A table for masks: dimmed where they are 0. */
  sd.dimWhereZero = Uint32Array.of(word(...DIM), 0);

  /** The colour of a hatching stripe: lighter on dark colours, darker on light ones. */
  const stripe = ([r, g, b]) => {
    const light = 0.299 * r + 0.587 * g + 0.114 * b > 150;
    const mix = (value) => Math.round(light ? value * 0.74 : value + (255 - value) * 0.3);
    return [mix(r), mix(g), mix(b)];
  };

  sd.createTables = () => ({
    /** Colour by id; the second half is what lies under a hatching stripe. */
    fill: new Uint32Array(2 * IDS),
    /** Dimming by id. */
    dim: new Uint32Array(2 * IDS),
    /** 0 hidden, 1 visible stuff, 3 visible thing. */
    flags: new Uint8Array(IDS),
  });

  /**
   * Fill the tables for what is to be seen.
   * @param {ReturnType<typeof sd.createTables>} tables
   * @param {Map<number, {color: [number, number, number], isthing: boolean, hatched?: boolean}>} entries
   * @param {{visible: Set<number>|null, highlight: number|null, hatching: boolean, dimHidden: boolean}} look
   */
  sd.fillTables = (tables, entries, look) => {
    const dimming = look.dimHidden && look.visible !== null;
    tables.fill.fill(0);
    tables.flags.fill(0);
    tables.dim.fill(dimming ? word(...DIM) : 0);
    const fading = look.highlight !== null && entries.has(look.highlight);
    for (const [id, entry] of entries) {
      if (look.visible && !look.visible.has(id)) continue;
      const alpha = fading && id !== look.highlight ? FADED : 255;
      const striped = look.hatching && (entry.hatched ?? !entry.isthing) ? stripe(entry.color) : entry.color;
      tables.fill[id] = word(...entry.color, alpha);
      tables.fill[id + IDS] = word(...striped, alpha);
      tables.flags[id] = entry.isthing ? 3 : 1;
      tables.dim[id] = tables.dim[id + IDS] = 0;
    }
  };

  /**
   * A canvas painted from an id map through a table.
   * @param {HTMLCanvasElement} canvas
   */
  sd.createRaster = (canvas) => {
    const context = canvas.getContext("2d");
    let image = null;
    let pixels = new Uint32Array(0);
    const raster = { width: 0, height: 0 };

    raster.resize = (width, height) => {
      if (raster.width === width && raster.height === height) return;
      raster.width = canvas.width = width;
      raster.height = canvas.height = height;
      image = width && height ? new ImageData(width, height) : null;
      pixels = image ? new Uint32Array(image.data.buffer) : new Uint32Array(0);
    };

    /** Paint run k in one colour, with stripes of another where `hatch` is a period (a power of two). */
    const paintRun = (words, runs, k, color, striped, hatch) => {
      const from = runs.start[k];
      const to = runs.start[k + 1];
      if (to - from > 24) words.fill(color, from, to);
      else for (let i = from; i < to; i += 1) words[i] = color;
      if (!hatch || color === striped) return;
      const row = Math.floor(from / raster.width);
      const thick = hatch >> 2;
      // A stripe begins where column + row is a multiple of the period.
      const behind = (from - row * raster.width + row) & (hatch - 1);
      for (let at = from - behind; at < to; at += hatch) {
        const end = Math.min(at + thick, to);
        for (let i = Math.max(at, from); i < end; i += 1) words[i] = striped;
      }
    };

    /**
     * @param {Runs} runs of a map of the raster's size
     * @param {Uint32Array} table as in createTables
     * @param {{only?: Iterable<number>|null, hatch?: number}} how `only` these ids, the others stay as they are;
     *   `hatch`: period of the stripes in map pixels, a power of two, 0 for none
     */
    raster.paint = (runs, table, { only = null, hatch = 0 } = {}) => {
      if (!image) return;
      const words = pixels;
      const { id, count, start } = runs;
      if (!only) {
        for (let k = 0; k < count; k += 1) paintRun(words, runs, k, table[id[k]], table[id[k] + IDS], hatch);
        context.putImageData(image, 0, 0);
        return;
      }
      let top = raster.height;
      let bottom = 0;
      const byId = sd.runsById(runs);
      for (const wanted of only) {
        const list = byId.get(wanted);
        if (!list) continue;
        for (let n = 0; n < list.length; n += 1) {
          paintRun(words, runs, list[n], table[wanted], table[wanted + IDS], hatch);
        }
        top = Math.min(top, Math.floor(start[list[0]] / raster.width));
        bottom = Math.max(bottom, Math.floor(start[list.at(-1)] / raster.width) + 1);
      }
      if (top < bottom) context.putImageData(image, 0, 0, 0, top, raster.width, bottom - top);
    };

    /** Paint values 0..255 through a table of 256 words. */
    raster.paintValues = (values, table) => {
      for (let i = 0; i < values.length; i += 1) pixels[i] = table[values[i]];
      if (image) context.putImageData(image, 0, 0);
    };

    /** Paint red, green and blue, three bytes for each pixel. */
    raster.paintColours = (bytes) => {
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = sd.word(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], 255);
      if (image) context.putImageData(image, 0, 0);
    };

    /** What was painted at image coordinates 0..1, as [r, g, b, a]. */
    raster.at = (x, y) => {
      if (!image) return [0, 0, 0, 0];
      const i = sd.cell(x, raster.width) + sd.cell(y, raster.height) * raster.width;
      return Array.from(image.data.subarray(4 * i, 4 * i + 4));
    };
    return raster;
  };

  /** The cell that coordinate 0..1 falls into, of `count`. */
  sd.cell = (coordinate, count) => sd.clamp(Math.floor(coordinate * count), 0, count - 1);
})((window.segdemo ??= {}));
