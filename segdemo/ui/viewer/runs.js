// Id maps as horizontal runs of one id: what painting, bounding and outlining work on, instead of pixels.
/**
 * @typedef {object} Runs
 * @property {number} width of the map
 * @property {number} height of the map
 * @property {number} count of runs; they lie in reading order and never cross a row's end
 * @property {Int32Array} start pixel index of each run, and one past the last
 * @property {Uint16Array} id of each run
 * @property {Int32Array} rows first run of each row, and one past the last
 * @property {Map<number, Int32Array>} byId the runs of each id, built when first asked for
 */

((sd) => {
  "use strict";

  /**
   * One pass over the map.
   * @param {Uint8Array|Uint16Array} ids
   * @returns {Runs}
   */
  sd.traceRuns = (ids, width, height) => {
    let room = 4096;
    let start = new Int32Array(room);
    let id = new Uint16Array(room);
    const rows = new Int32Array(height + 1);
    let count = 0;
    for (let y = 0, i = 0; y < height; y += 1) {
      rows[y] = count;
      const end = i + width;
      while (i < end) {
        if (count + 1 >= room) {
          room *= 2;
          const [longStart, longId] = [new Int32Array(room), new Uint16Array(room)];
          longStart.set(start);
          longId.set(id);
          [start, id] = [longStart, longId];
        }
        const value = ids[i];
        start[count] = i;
        id[count] = value;
        count += 1;
        for (i += 1; i < end && ids[i] === value; ) i += 1;
      }
    }
    rows[height] = count;
    start[count] = width * height;
    return { width, height, count, start, id, rows, byId: null };
  };

  /** The runs of each id, as run numbers. */
  sd.runsById = (runs) => {
    if (runs.byId) return runs.byId;
    const sizes = new Int32Array(65536);
    for (let k = 0; k < runs.count; k += 1) sizes[runs.id[k]] += 1;
    runs.byId = new Map();
    sizes.forEach((size, id) => size && runs.byId.set(id, new Int32Array(size)));
    sizes.fill(0);
    for (let k = 0; k < runs.count; k += 1) {
      const id = runs.id[k];
      runs.byId.get(id)[sizes[id]] = k;
      sizes[id] += 1;
    }
    return runs.byId;
  };
})((window.segdemo ??= {}));
