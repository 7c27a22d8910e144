// Outlines: the borders of an id map as straight runs, drawn in device pixels so that they stay crisp at any zoom.
((sd) => {
  "use strict";

  /** Stands for what lies beyond the photo's border. */
  const OUTSIDE = 65535;

  /**
   * The borders between ids, and around the whole map, as runs between the same two ids.
   * @param {Uint8Array|Uint16Array} ids
   * @returns {{count: number, x: Uint16Array, y: Uint16Array, length: Uint16Array, upright: Uint8Array,
   *   a: Uint16Array, b: Uint16Array, width: number, height: number}} run k starts at map corner (x, y) and goes
   *   `length` pixels down when `upright`, else right; `a` and `b` are the ids on its two sides
   */
  sd.traceEdges = (ids, width, height) => {
    let room = 4096;
    const runs = { count: 0, width, height };
    const grow = (kind, old) => {
      const array = new kind(room);
      if (old) array.set(old);
      return array;
    };
    const allocate = () => {
      for (const name of ["x", "y", "length", "a", "b"]) runs[name] = grow(Uint16Array, runs[name]);
      runs.upright = grow(Uint8Array, runs.upright);
    };
    allocate();
    const add = (x, y, upright, a, b) => {
      if (runs.count === room) {
        room *= 2;
        allocate();
      }
      const k = runs.count;
      runs.x[k] = x;
      runs.y[k] = y;
      runs.upright[k] = upright;
      runs.a[k] = a;
      runs.b[k] = b;
      runs.length[k] = 1;
      runs.count += 1;
      return k;
    };
    // The upright run that reached the previous row in each column, or -1.
    const open = new Int32Array(width + 1).fill(-1);
    for (let y = 0; y <= height; y += 1) {
      const row = y * width;
      let flat = -1;
      for (let x = 0; x < width; x += 1) {
        const above = y > 0 ? ids[row - width + x] : OUTSIDE;
        const below = y < height ? ids[row + x] : OUTSIDE;
        if (above === below) flat = -1;
        else if (flat >= 0 && runs.a[flat] === above && runs.b[flat] === below) runs.length[flat] += 1;
        else flat = add(x, y, 0, above, below);
      }
      if (y === height) break;
      for (let x = 0; x <= width; x += 1) {
        const before = x > 0 ? ids[row + x - 1] : OUTSIDE;
        const after = x < width ? ids[row + x] : OUTSIDE;
        if (before === after) open[x] = -1;
        else if (open[x] >= 0 && runs.a[open[x]] === before && runs.b[open[x]] === after) runs.length[open[x]] += 1;
        else open[x] = add(x, y, 1, before, after);
      }
    }
    return runs;
  };

  /**
   * A canvas over the whole viewport, in device pixels, onto which outlines are drawn.
   * @param {HTMLCanvasElement} canvas
   */
  sd.createLines = (canvas) => {
    const context = canvas.getContext("2d");
    let image = null;
    let pixels = new Uint32Array(0);
    let blank = true;
    const lines = {};

    /** Start afresh at the viewport's size (CSS pixels) and pixel ratio. */
    lines.begin = (cssWidth, cssHeight, ratio) => {
      const width = Math.max(1, Math.round(cssWidth * ratio));
      const height = Math.max(1, Math.round(cssHeight * ratio));
      if (!image || image.width !== width || image.height !== height) {
        canvas.width = width;
        canvas.height = height;
        image = new ImageData(width, height);
        pixels = new Uint32Array(image.data.buffer);
        blank = true;
      } else if (!blank) pixels.fill(0);
    };

    /**
     * Draw the runs that `pick` chooses.
     * @param {ReturnType<typeof sd.traceEdges>} runs
     * @param {{left: number, top: number, width: number, height: number}} box the map's place in CSS pixels
     * @param {{ratio: number, thick: number, color: number, from?: number, to?: number}} pen `thick` in CSS
     *   pixels, `color` a word, `from` and `to` CSS columns to stay between
     * @param {(a: number, b: number) => boolean} pick
     */
    lines.draw = (runs, box, pen, pick) => {
      const { width, height } = image;
      const thick = Math.max(1, Math.round(pen.thick * pen.ratio));
      const back = thick >> 1;
      const scaleX = (box.width / runs.width) * pen.ratio;
      const scaleY = (box.height / runs.height) * pen.ratio;
      const originX = box.left * pen.ratio;
      const originY = box.top * pen.ratio;
      const low = Math.max(0, Math.round((pen.from ?? 0) * pen.ratio));
      const high = Math.min(width, Math.round((pen.to ?? Infinity) * pen.ratio));
      for (let k = 0; k < runs.count; k += 1) {
        if (!pick(runs.a[k], runs.b[k])) continue;
        const upright = runs.upright[k];
        const length = runs.length[k];
        const startX = Math.round(originX + runs.x[k] * scaleX) - back;
        const startY = Math.round(originY + runs.y[k] * scaleY) - back;
        const endX = upright ? startX + thick : Math.round(originX + (runs.x[k] + length) * scaleX) - back + thick;
        const endY = upright ? Math.round(originY + (runs.y[k] + length) * scaleY) - back + thick : startY + thick;
        const left = startX < low ? low : startX;
        const right = endX > high ? high : endX;
        const top = startY < 0 ? 0 : startY;
        const bottom = endY > height ? height : endY;
        if (left >= right) continue;
        for (let y = top; y < bottom; y += 1) {
          const row = y * width;
          for (let x = row + left; x < row + right; x += 1) pixels[x] = pen.color;
        }
        blank = false;
      }
    };

    lines.end = () => context.putImageData(image, 0, 0);

    /** What was drawn at CSS pixel (x, y) of the viewport, as [r, g, b, a]. */
    lines.at = (x, y, ratio) => {
      const i = Math.floor(x * ratio) + Math.floor(y * ratio) * (image?.width ?? 0);
      return image ? Array.from(image.data.subarray(4 * i, 4 * i + 4)) : [0, 0, 0, 0];
    };
    return lines;
  };
})((window.segdemo ??= {}));
