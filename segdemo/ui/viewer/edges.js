// Outlines: the borders of an id map as straight runs, drawn in device pixels so that they stay crisp at any zoom.
/**
 * @typedef {object} Edges straight pieces of border between the same two ids
 * @property {number} width of the map
 * @property {number} height of the map
 * @property {number} count
 * @property {Uint16Array} x of the map corner where each starts
 * @property {Uint16Array} y of that corner
 * @property {Uint16Array} length in pixels, downwards when `upright`, else to the right
 * @property {Uint8Array} upright
 * @property {Uint16Array} a the id on one side; 65535 beyond the photo
 * @property {Uint16Array} b the id on the other side
 */

((sd) => {
  "use strict";

  /** Stands for what lies beyond the photo's border. */
  const OUTSIDE = 65535;

  /**
   * The borders between ids, and around the whole map.
   * @param {Runs} runs
   * @returns {Edges}
   */
  sd.traceEdges = (runs) => {
    const { width, height, start, id, rows } = runs;
    let room = 4096;
    const edges = /** @type {Edges} */ ({ count: 0, width, height });
    const allocate = () => {
      for (const name of ["x", "y", "length", "a", "b", "upright"]) {
        const longer = name === "upright" ? new Uint8Array(room) : new Uint16Array(room);
        if (edges[name]) longer.set(edges[name]);
        edges[name] = longer;
      }
    };
    allocate();
    const add = (x, y, length, upright, a, b) => {
      if (edges.count === room) {
        room *= 2;
        allocate();
      }
      const k = edges.count;
      edges.x[k] = x;
      edges.y[k] = y;
      edges.length[k] = length;
      edges.upright[k] = upright;
      edges.a[k] = a;
      edges.b[k] = b;
      edges.count += 1;
      return k;
    };
    // The last upright edge in each column: it grows while the next row has the same two ids there.
    const last = new Int32Array(width + 1).fill(-1);
    const stand = (x, y, a, b) => {
      if (a === b) return;
      const k = last[x];
      if (k >= 0 && edges.a[k] === a && edges.b[k] === b && edges.y[k] + edges.length[k] === y) edges.length[k] += 1;
      else last[x] = add(x, y, 1, 1, a, b);
    };
    for (let y = 0; y <= height; y += 1) {
      // Walk the row above and this one together, from border to border.
      let above = y > 0 ? rows[y - 1] : -1;
      let below = y < height ? rows[y] : -1;
      for (let x = 0; x < width; ) {
        const endAbove = above < 0 ? width : start[above + 1] - (y - 1) * width;
        const endBelow = below < 0 ? width : start[below + 1] - y * width;
        const end = endAbove < endBelow ? endAbove : endBelow;
        const one = above < 0 ? OUTSIDE : id[above];
        const two = below < 0 ? OUTSIDE : id[below];
        if (one !== two) add(x, y, end - x, 0, one, two);
        if (above >= 0 && endAbove === end) above += 1;
        if (below >= 0 && endBelow === end) below += 1;
        x = end;
      }
      if (y === height) break;
      stand(0, y, OUTSIDE, id[rows[y]]);
      for (let k = rows[y] + 1; k < rows[y + 1]; k += 1) stand(start[k] - y * width, y, id[k - 1], id[k]);
      stand(width, y, id[rows[y + 1] - 1], OUTSIDE);
    }
    return edges;
  };

  const scratch = { stuff: new Int32Array(0), things: new Int32Array(0) };

  /**
   * Sort a map's inner edges by what is visible on their sides.
   * @param {Edges} edges
   * @param {Uint8Array} flags by id: 0 hidden, 1 visible stuff, 3 visible thing
   * @returns {{stuff: Int32Array, stuffCount: number, things: Int32Array, thingCount: number}} edge numbers: those
   *   with a visible thing on a side, and the others with something visible; reused by the next call
   */
  sd.sortEdges = ({ count, a, b }, flags) => {
    if (scratch.stuff.length < count) {
      scratch.stuff = new Int32Array(count);
      scratch.things = new Int32Array(count);
    }
    const { stuff, things } = scratch;
    let stuffCount = 0;
    let thingCount = 0;
    for (let k = 0; k < count; k += 1) {
      const one = a[k];
      const two = b[k];
      if (one === OUTSIDE || two === OUTSIDE) continue;
      const seen = flags[one] | flags[two];
      if (seen & 2) things[thingCount++] = k;
      else if (seen) stuff[stuffCount++] = k;
    }
    return { stuff, stuffCount, things, thingCount };
  };

  /** The numbers of the edges around one id, the photo's border included. */
  sd.edgesAround = ({ count, a, b }, id) => {
    const found = [];
    for (let k = 0; k < count; k += 1) if ((a[k] === id) !== (b[k] === id)) found.push(k);
    return Int32Array.from(found);
  };

  /**
   * A canvas over the whole viewport, in device pixels, onto which outlines are drawn.
   * @param {HTMLCanvasElement} canvas
   */
  sd.createLines = (canvas) => {
    const context = canvas.getContext("2d");
    let image = null;
    let pixels = new Uint32Array(0);
    /** Whether nothing has been drawn since `begin`; whether nothing is on the canvas. */
    let blank = true;
    let clean = true;
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
        clean = true;
      } else if (!clean) pixels.fill(0);
      blank = true;
    };

    /**
     * Draw edges as bars.
     * @param {Edges} edges
     * @param {Int32Array} chosen edge numbers, of which the first `count` are drawn
     * @param {number} count
     * @param {{left: number, top: number, width: number, height: number}} box the map's place in CSS pixels
     * @param {{ratio: number, thick: number, color: number, from?: number, to?: number}} pen `thick` in CSS
     *   pixels, `color` a word, `from` and `to` CSS columns to stay between
     */
    lines.draw = (edges, chosen, count, box, pen) => {
      const words = pixels;
      const { width, height } = image;
      const { x: xs, y: ys, length: lengths, upright: uprights } = edges;
      const { ratio, color } = pen;
      const thick = Math.max(1, Math.round(pen.thick * ratio));
      const scaleX = (box.width / edges.width) * ratio;
      const scaleY = (box.height / edges.height) * ratio;
      const originX = box.left * ratio - (thick >> 1);
      const originY = box.top * ratio - (thick >> 1);
      const low = Math.max(0, Math.round((pen.from ?? 0) * ratio));
      const high = Math.min(width, Math.round((pen.to ?? Infinity) * ratio));
      for (let n = 0; n < count; n += 1) {
        const k = chosen[n];
        let left = Math.round(originX + xs[k] * scaleX);
        let top = Math.round(originY + ys[k] * scaleY);
        if (left >= high || top >= height) continue;
        let right = left + thick;
        let bottom = top + thick;
        if (uprights[k]) bottom = Math.round(originY + (ys[k] + lengths[k]) * scaleY) + thick;
        else right = Math.round(originX + (xs[k] + lengths[k]) * scaleX) + thick;
        if (left < low) left = low;
        if (top < 0) top = 0;
        if (right > high) right = high;
        if (bottom > height) bottom = height;
        for (let y = top; y < bottom; y += 1) {
          for (let i = y * width + left, end = y * width + right; i < end; i += 1) words[i] = color;
        }
      }
      if (count) blank = false;
    };

    /** Show what was drawn since `begin`. */
    lines.end = () => {
      if (!blank || !clean) context.putImageData(image, 0, 0);
      clean = blank;
      // Without a graphics card even an empty layer costs its share of every frame.
      canvas.style.visibility = blank ? "hidden" : "visible";
    };

    /** What was drawn at CSS pixel (x, y) of the viewport, as [r, g, b, a]. */
    lines.at = (x, y, ratio) => {
      const i = Math.floor(x * ratio) + Math.floor(y * ratio) * (image?.width ?? 0);
      return image ? Array.from(image.data.subarray(4 * i, 4 * i + 4)) : [0, 0, 0, 0];
    };
    return lines;
  };
})((window.segdemo ??= {}));
