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
    const mix = (value) => Math.round(light ? value * 0.66 : value + (255 - value) * 0.38);
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
   * @param {Map<number, {color: number[], isthing: boolean}>} entries
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
      const striped = look.hatching && !entry.isthing ? stripe(entry.color) : entry.color;
      tables.fill[id] = word(...entry.color, alpha);
      tables.fill[id + IDS] = word(...striped, alpha);
      tables.flags[id] = entry.isthing ? 3 : 1;
      tables.dim[id] = tables.dim[id + IDS] = 0;
    }
  };

  /**
   * The bounding box of every id.
   * @returns {Map<number, number[]>} id -> [left, top, right, bottom], right and bottom exclusive
   */
  sd.boxes = (ids, width, height) => {
    const boxes = new Map();
    for (let y = 0; y < height; y += 1) {
      const row = y * width;
      for (let x = 0; x < width; ) {
        const id = ids[row + x];
        const start = x;
        while (x < width && ids[row + x] === id) x += 1;
        const box = boxes.get(id);
        if (!box) boxes.set(id, [start, y, x, y + 1]);
        else {
          if (start < box[0]) box[0] = start;
          if (x > box[2]) box[2] = x;
          box[3] = y + 1;
        }
      }
    }
    return boxes;
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

    /**
     * @param {Uint8Array|Uint16Array} ids
     * @param {Uint32Array} table as in createTables
     * @param {{box?: number[]|null, hatch?: number, mask?: Uint8Array|null}} how `box`: only this part;
     *   `hatch`: period of the stripes in map pixels, a power of two, 0 for none; `mask`: nothing where it is 0
     */
    raster.paint = (ids, table, { box = null, hatch = 0, mask = null } = {}) => {
      if (!image) return;
      const [left, top, right, bottom] = box ?? [0, 0, raster.width, raster.height];
      const period = hatch - 1;
      const thick = hatch >> 2;
      for (let y = top; y < bottom; y += 1) {
        const row = y * raster.width;
        const end = row + right;
        if (hatch) {
          for (let i = row + left, phase = left + y; i < end; i += 1, phase += 1) {
            pixels[i] = table[(phase & period) < thick ? ids[i] + IDS : ids[i]];
          }
        } else {
          for (let i = row + left; i < end; i += 1) pixels[i] = table[ids[i]];
        }
        if (mask) for (let i = row + left; i < end; i += 1) if (!mask[i]) pixels[i] = 0;
      }
      context.putImageData(image, 0, 0, left, top, right - left, bottom - top);
    };

    /** Paint values 0..255 through a table of 256 words. */
    raster.paintValues = (values, table) => {
      for (let i = 0; i < values.length; i += 1) pixels[i] = table[values[i]];
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
