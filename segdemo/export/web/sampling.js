// How mask cells relate to output pixels: tiles with the taps of two bilinear steps, cells to input and input to photo.
/**
 * @typedef {object} Span a run of output pixels along one axis
 * @property {number} start first output pixel
 * @property {number} stop the one after the last
 * @property {number} first first mask cell that the run depends on
 * @property {number} cells how many it depends on
 * @property {number} samples input samples of the run
 * @property {Int32Array} below (samples,) the cell before each sample, from `first`
 * @property {Int32Array} above (samples,) the one behind it
 * @property {Float32Array} share (samples,) what the one behind counts
 * @property {Int32Array} lower (pixels,) the sample before each output pixel
 * @property {Int32Array} upper (pixels,) the one behind it
 * @property {Float32Array} weight (pixels,) what the one behind counts
 */

((sd) => {
  "use strict";

  /** Half-pixel centres, clamped at the borders: neighbours and the weight of the upper for `target` places. */
  const taps = (source, target) => {
    const lower = new Int32Array(target);
    const upper = new Int32Array(target);
    const weight = new Float64Array(target);
    for (let i = 0; i < target; i += 1) {
      const position = Math.max((i + 0.5) * (source / target) - 0.5, 0);
      lower[i] = Math.min(Math.trunc(position), source - 1);
      weight[i] = position - lower[i];
      upper[i] = weight[i] > 0 ? Math.min(lower[i] + 1, source - 1) : lower[i];
    }
    return { lower, upper, weight };
  };

  const span = (up, down, start, stop) => {
    const low = down.lower[start];
    const high = Math.max(down.upper[stop - 1], down.lower[stop - 1]);
    const samples = high - low + 1;
    const first = up.lower[low];
    const part = (values, from, to, less, Kind) => Kind.from(values.subarray(from, to), (value) => value - less);
    return {
      start, stop, first, samples, cells: up.upper[high] - first + 1,
      below: part(up.lower, low, high + 1, first, Int32Array),
      above: part(up.upper, low, high + 1, first, Int32Array),
      share: part(up.weight, low, high + 1, 0, Float32Array),
      lower: part(down.lower, start, stop, low, Int32Array),
      upper: part(down.upper, start, stop, low, Int32Array),
      weight: part(down.weight, start, stop, 0, Float32Array),
    };
  };

  /** An axis in spans of about `wanted` mask cells each. @returns {Span[]} */
  const spans = (cells, input, output, wanted) => {
    const up = taps(cells, input);
    const down = taps(input, output);
    const number = Math.min(Math.max(1, Math.round(cells / wanted)), output);
    const edge = (i) => Math.round((output * i) / number);
    return Array.from({ length: number }, (_, i) => span(up, down, edge(i), edge(i + 1)));
  };

  const sigmoid = (value) => 1 / (1 + Math.exp(-value));

  /**
   * The output in tiles, with the bounds of every query's mask probability in each.
   * @param {{queries: number, height: number, width: number, masks: Float32Array, inputHeight: number,
   *   inputWidth: number}} answer the network's mask logits, (queries, height, width), and its input's size
   * @param {number[]} which the queries that count
   * @yields {{rows: Span, columns: Span, low: Float32Array, high: Float32Array}} bounds in the order of `which`
   */
  sd.tiles = function* tiles(answer, which, height, width, wanted) {
    const { masks } = answer;
    const columns = spans(answer.width, answer.inputWidth, width, wanted);
    for (const row of spans(answer.height, answer.inputHeight, height, wanted)) {
      for (const column of columns) {
        const low = new Float32Array(which.length);
        const high = new Float32Array(which.length);
        which.forEach((query, k) => {
          let [least, most] = [Infinity, -Infinity];
          for (let y = row.first; y < row.first + row.cells; y += 1) {
            const from = (query * answer.height + y) * answer.width + column.first;
            for (let i = from; i < from + column.cells; i += 1) {
              if (masks[i] < least) least = masks[i];
              if (masks[i] > most) most = masks[i];
            }
          }
          low[k] = sigmoid(least);
          high[k] = sigmoid(most);
        });
        yield { rows: row, columns: column, low, high };
      }
    }
  };

  /** A plane of values at `at(row, column)` brought between its neighbours: float32, rows x columns of the taps. */
  const between = (at, rows, columns) => {
    const across = (row) => {
      const line = new Float32Array(columns.count);
      for (let x = 0; x < columns.count; x += 1) {
        const left = at(row, columns.lower[x]);
        line[x] = left + (at(row, columns.upper[x]) - left) * columns.weight[x];
      }
      return line;
    };
    const lines = new Map();
    const line = (row) => {
      if (!lines.has(row)) lines.set(row, across(row));
      return lines.get(row);
    };
    const result = new Float32Array(rows.count * columns.count);
    for (let y = 0; y < rows.count; y += 1) {
      const [top, bottom, weight] = [line(rows.lower[y]), line(rows.upper[y]), rows.weight[y]];
      const from = y * columns.count;
      for (let x = 0; x < columns.count; x += 1) result[from + x] = top[x] + (bottom[x] - top[x]) * weight;
    }
    return result;
  };

  const cellTaps = (axis) => ({ count: axis.samples, lower: axis.below, upper: axis.above, weight: axis.share });
  const pixelTaps = (axis) => ({ count: axis.stop - axis.start, lower: axis.lower, upper: axis.upper, weight: axis.weight });

  /** Mask logits of a query at a tile's input samples. */
  sd.samplesOf = (answer, query, { rows, columns }) => {
    const base = query * answer.height * answer.width;
    const at = (row, column) => answer.masks[base + (rows.first + row) * answer.width + columns.first + column];
    return between(at, cellTaps(rows), cellTaps(columns));
  };

  /** A plane at a tile's input samples brought to its output pixels. */
  sd.toPixels = (plane, { rows, columns }) =>
    between((row, column) => plane[row * columns.samples + column], pixelTaps(rows), pixelTaps(columns));

  /** The logistic function of a plane, in place. */
  sd.squash = (plane) => {
    for (let i = 0; i < plane.length; i += 1) plane[i] = sigmoid(plane[i]);
    return plane;
  };

  /** Class probabilities of each query, "no object" last: float32 (queries, classes + 1). */
  sd.softmaxRows = (logits, columns) => {
    const result = new Float32Array(logits.length);
    for (let from = 0; from < logits.length; from += columns) {
      let most = -Infinity;
      for (let i = from; i < from + columns; i += 1) most = Math.max(most, logits[i]);
      let sum = 0;
      for (let i = from; i < from + columns; i += 1) sum += result[i] = Math.exp(logits[i] - most);
      for (let i = from; i < from + columns; i += 1) result[i] /= sum;
    }
    return result;
  };
})((window.segdemo ??= {}));
