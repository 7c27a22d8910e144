// The best class of every pixel and what a read-out says of it, by the paper's procedure, as segdemo.segmentation does.
((sd) => {
  "use strict";

  const NONE = 65535;
  const TILE_CELLS = 8;
  /** Largest error of a class score that treating queries as constant may cause. */
  const SLACK = 1e-4;
  const ROUNDING = 1e-6;
  const RIVALS = 4;
  const TINY = 1.1754944e-38;

  /** Each query's class probabilities without "no object", and their sums. */
  sd.classWeights = (answer) => {
    const { queries, classes } = answer;
    const all = sd.softmaxRows(answer.logits, classes + 1);
    const weights = new Float32Array(queries * classes);
    const totals = new Float32Array(queries);
    for (let q = 0; q < queries; q += 1) {
      for (let c = 0; c < classes; c += 1) {
        weights[q * classes + c] = all[q * (classes + 1) + c];
        totals[q] += weights[q * classes + c];
      }
    }
    return { all, weights, totals };
  };

  /** The classes that can score highest somewhere in a tile, ascending. */
  const possible = ({ low, high }, weights, classes) => {
    const upper = new Float64Array(classes);
    const lower = new Float64Array(classes);
    for (let q = 0; q < low.length; q += 1) {
      for (let c = 0; c < classes; c += 1) {
        const weight = weights[q * classes + c];
        upper[c] += weight * high[q];
        lower[c] += weight * low[q];
      }
    }
    const most = lower.reduce((best, value) => Math.max(best, value), -Infinity);
    let found = Array.from(upper.keys()).filter((c) => upper[c] >= most - ROUNDING);
    const strongest = [...found].sort((a, b) => upper[b] + lower[b] - upper[a] - lower[a]).slice(0, RIVALS);
    for (const rival of strongest) {
      if (found.length === 1) break;
      found = found.filter((c) => {
        let lead = 0;
        for (let q = 0; q < low.length; q += 1) {
          const gain = weights[q * classes + c] - weights[q * classes + rival];
          lead += gain > 0 ? gain * high[q] : gain * low[q];
        }
        return lead >= -ROUNDING;
      });
    }
    return found;
  };

  /** The queries that must be computed in a tile: the others move no score by more than `SLACK` together. */
  const movers = ({ low, high }, totals) => {
    const error = (q) => (totals[q] * (high[q] - low[q])) / 2;
    const order = Array.from(low.keys()).sort((a, b) => error(a) - error(b));
    let sum = 0;
    return order.filter((q) => (sum += error(q)) > SLACK);
  };

  /** Scores at a tile's input samples: one plane for each of `wanted` columns `weight(query, k)`. */
  const scores = (answer, tile, moving, count, weight) => {
    const size = tile.rows.samples * tile.columns.samples;
    const still = new Set(Array.from(tile.low.keys()));
    for (const q of moving) still.delete(q);
    const planes = Array.from({ length: count }, (_, k) => {
      let sum = 0;
      for (const q of still) sum += weight(q, k) * (tile.low[q] + tile.high[q]) / 2;
      return new Float32Array(size).fill(sum);
    });
    for (const q of moving) {
      const inside = sd.squash(sd.samplesOf(answer, q, tile));
      planes.forEach((plane, k) => {
        const w = weight(q, k);
        for (let i = 0; i < size; i += 1) plane[i] += w * inside[i];
      });
    }
    return planes;
  };

  /**
   * The best class of every pixel and its probability.
   * @param {object} answer see `sd.tiles`; also `logits` (queries, classes + 1) and `classes`
   * @param {number} least the score below which a pixel is of no class
   * @returns {{labels: Uint16Array, scores: Float32Array}} labels 65535 for none
   */
  sd.semanticMap = (answer, height, width, least = 0) => {
    const { classes } = answer;
    const { weights, totals } = sd.classWeights(answer);
    const labels = new Uint16Array(height * width);
    const found = new Float32Array(height * width);
    const every = Array.from({ length: answer.queries }, (_, q) => q);
    for (const tile of sd.tiles(answer, every, height, width, TILE_CELLS)) {
      const { rows, columns } = tile;
      const candidates = possible(tile, weights, classes);
      const moving = movers(tile, totals);
      const last = candidates.length;
      const planes = scores(answer, tile, moving, last + 1,
        (q, k) => (k === last ? totals[q] : weights[q * classes + candidates[k]]));
      const total = sd.toPixels(planes[last], tile);
      const wide = columns.stop - columns.start;
      const best = sd.toPixels(planes[0], tile);
      const winner = new Uint16Array(best.length);
      for (let k = 1; k < last; k += 1) {
        const plane = sd.toPixels(planes[k], tile);
        for (let i = 0; i < best.length; i += 1) {
          if (plane[i] > best[i]) {
            best[i] = plane[i];
            winner[i] = k;
          }
        }
      }
      for (let y = rows.start, i = 0; y < rows.stop; y += 1) {
        for (let x = columns.start, at = y * width + columns.start; x < columns.start + wide; x += 1, at += 1, i += 1) {
          labels[at] = best[i] < least ? NONE : candidates[winner[i]];
          found[at] = best[i] / Math.max(total[i], TINY);
        }
      }
    }
    return { labels, scores: found };
  };

  /** The classes of a map, the largest first: [{id, area (a share), score (the mean probability)}]. */
  sd.presentClasses = ({ labels, scores: found }, classes) => {
    const areas = new Float64Array(classes);
    const sums = new Float64Array(classes);
    for (let i = 0; i < labels.length; i += 1) {
      if (labels[i] === NONE) continue;
      areas[labels[i]] += 1;
      sums[labels[i]] += found[i];
    }
    return Array.from(areas.keys()).filter((id) => areas[id]).sort((a, b) => areas[b] - areas[a] || a - b)
      .map((id) => ({ id, area: areas[id] / labels.length, score: sums[id] / areas[id] }));
  };

  const toByte = (share) => Math.round(Math.min(1, Math.max(0, share)) * 255);

  /** The read-out's planes at a small size: two best classes, how unsure, which query decided. See `viewer.setPlanes`. */
  sd.readoutPlanes = (answer, height, width) => {
    const { classes, queries } = answer;
    const { weights, totals } = sd.classWeights(answer);
    const count = height * width;
    const planes = { height, width, topId: new Uint16Array(count), top: new Uint8Array(count), runner: new Uint16Array(count),
      runnerProb: new Uint8Array(count), entropy: new Uint8Array(count), query: new Uint16Array(count) };
    const every = Array.from({ length: queries }, (_, q) => q);
    const sums = new Float64Array(classes);
    for (const tile of sd.tiles(answer, every, height, width, TILE_CELLS)) {
      const { rows, columns } = tile;
      const moving = new Map(movers(tile, totals).map((q) =>
        [q, sd.toPixels(sd.squash(sd.samplesOf(answer, q, tile)), tile)]));
      const base = new Float64Array(classes);
      for (const q of every) {
        if (moving.has(q)) continue;
        const middle = (tile.low[q] + tile.high[q]) / 2;
        for (let c = 0; c < classes; c += 1) base[c] += middle * weights[q * classes + c];
      }
      for (let y = rows.start, i = 0; y < rows.stop; y += 1) {
        for (let x = columns.start; x < columns.stop; x += 1, i += 1) {
          sums.set(base);
          for (const [q, inside] of moving) {
            const from = q * classes;
            for (let c = 0; c < classes; c += 1) sums[c] += inside[i] * weights[from + c];
          }
          describe(planes, y * width + x, sums);
          const top = planes.topId[y * width + x];
          let [decisive, most] = [0, -1];
          for (const q of every) {
            const inside = moving.get(q)?.[i] ?? (tile.low[q] + tile.high[q]) / 2;
            const vote = inside * weights[q * classes + top];
            if (vote > most) [decisive, most] = [q, vote];
          }
          planes.query[y * width + x] = decisive;
        }
      }
    }
    return planes;
  };

  /** Fill one pixel of the planes from its class scores. */
  const describe = (planes, at, sums) => {
    let [total, first, second, mean] = [0, 0, -1, 0];
    for (let c = 0; c < sums.length; c += 1) {
      const score = (sums[c] = Math.max(sums[c], TINY));
      total += score;
      mean += score * Math.log(score);
      if (score > sums[first]) {
        second = first;
        first = c;
      } else if (c !== first && (second < 0 || score > sums[second])) second = c;
    }
    planes.topId[at] = first;
    planes.top[at] = toByte(sums[first] / total);
    planes.runner[at] = second < 0 ? first : second;
    planes.runnerProb[at] = second < 0 ? 0 : toByte(sums[second] / total);
    planes.entropy[at] = sums.length < 2 ? 0 : toByte((Math.log(total) - mean / total) / Math.log(sums.length));
  };
})((window.segdemo ??= {}));
