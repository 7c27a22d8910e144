// A photograph to the network's input, as Pillow and the checkpoint's image processor make it.
((sd) => {
  "use strict";

  const BITS = 22;
  const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  const cubic = (x) => {
    const a = -0.5;
    const t = Math.abs(x);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
  };
  /** Pillow's filters by its numbers: how far each reaches, and its weight there. */
  const FILTERS = {
    1: { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
    2: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
    3: { reach: 2, weight: cubic },
  };

  /** For each output place the first source place and the weights from there on, in fixed point (Pillow, Resample.c). */
  const windows = (source, target, filter) => {
    const scale = source / target;
    const stretch = Math.max(1, scale);
    const reach = filter.reach * stretch;
    return Array.from({ length: target }, (_, place) => {
      const centre = (place + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - reach + 0.5));
      const last = Math.min(source, Math.trunc(centre + reach + 0.5));
      const raw = Array.from({ length: last - first }, (__, i) => filter.weight((i + first - centre + 0.5) / stretch));
      const sum = raw.reduce((total, value) => total + value, 0);
      const fixed = raw.map((value) => {
        const scaled = (value / sum) * 2 ** BITS;
        return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      });
      return { first, weights: Float64Array.from(fixed) };
    });
  };

  const toByte = (sum) => Math.min(255, Math.max(0, Math.floor(sum / 2 ** BITS)));

  /**
   * @param {{width: number, height: number, data: Uint8ClampedArray}} image RGBA, opaque
   * @param {number} width of the result
   * @param {number} height of the result
   * @param {number} resample Pillow's number of the filter: 1 Lanczos, 2 bilinear, 3 bicubic
   * @returns {Uint8Array} RGB, row after row; rounded between the two passes, as Pillow does
   */
  sd.resizeLikePillow = (image, width, height, resample) => {
    const filter = FILTERS[resample];
    if (!filter) throw new Error(`There is no filter ${resample}.`);
    const across = windows(image.width, width, filter);
    const down = windows(image.height, height, filter);
    const wide = new Uint8Array(width * image.height * 3);
    const { data } = image;
    for (let y = 0, at = 0; y < image.height; y += 1) {
      const row = 4 * y * image.width;
      for (const { first, weights } of across) {
        let red = 2 ** (BITS - 1);
        let green = red;
        let blue = red;
        for (let i = 0, from = row + 4 * first; i < weights.length; i += 1, from += 4) {
          red += weights[i] * data[from];
          green += weights[i] * data[from + 1];
          blue += weights[i] * data[from + 2];
        }
        wide[at] = toByte(red);
        wide[at + 1] = toByte(green);
        wide[at + 2] = toByte(blue);
        at += 3;
      }
    }
    const line = width * 3;
    const result = new Uint8Array(line * height);
    down.forEach(({ first, weights }, y) => {
      for (let x = 0; x < line; x += 1) {
        let sum = 2 ** (BITS - 1);
        for (let i = 0; i < weights.length; i += 1) sum += weights[i] * wide[(first + i) * line + x];
        result[y * line + x] = toByte(sum);
      }
    });
    return result;
  };

  /**
   * @param {Uint8Array} rgb of one input size, row after row
   * @param {number[][]} table normalised value of each level of each channel, 3 x 256
   * @returns {Float32Array} channel after channel
   */
  sd.normalised = (rgb, table) => {
    const count = rgb.length / 3;
    const pixels = new Float32Array(rgb.length);
    const rows = table.map((values) => Float32Array.from(values));
    for (let i = 0; i < count; i += 1) {
      for (let channel = 0; channel < 3; channel += 1) pixels[channel * count + i] = rows[channel][rgb[3 * i + channel]];
    }
    return pixels;
  };

  /** The input size that the checkpoint's image processor makes of a photograph: {height, width}. */
  sd.checkpointSize = (height, width, { size, divisor }) => {
    let [rows, columns] = [height, width];
    if (size.shortest_edge) {
      const [low, high] = [Math.min(height, width), Math.max(height, width)];
      let short = size.shortest_edge;
      let target = short;
      if ((high / low) * short > size.longest_edge) {
        target = (size.longest_edge * low) / high;
        short = Math.round(target);
      }
      if (low !== short) {
        const long = Math.trunc((target * high) / low);
        [rows, columns] = width < height ? [long, short] : [short, long];
      }
    } else if (size.max_height) {
      const scale = Math.min(size.max_height / height, size.max_width / width);
      [rows, columns] = [Math.trunc(height * scale), Math.trunc(width * scale)];
    } else [rows, columns] = [size.height, size.width];
    const up = (value) => Math.ceil(Math.max(1, value) / divisor) * divisor;
    return { height: up(rows), width: up(columns) };
  };

  /** Of the graphs the one whose input size is nearest to the one wanted. */
  sd.fittingGraph = (graphs, wanted) => {
    const distance = (graph) =>
      Math.abs(Math.log(graph.height / wanted.height)) + Math.abs(Math.log(graph.width / wanted.width));
    return graphs.reduce((best, graph) => (distance(graph) < distance(best) ? graph : best));
  };
})((window.segdemo ??= {}));
