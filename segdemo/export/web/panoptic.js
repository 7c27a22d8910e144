// Panoptic segments in the browser: the queries that are sure compete for pixels, as segdemo.segmentation.panoptic does.
((sd) => {
  "use strict";

  const ROUNDING = 1e-6;
  const TILE_CELLS = 8;

  /** The queries whose best class is an object and sure enough: [{query, category, score}]. */
  const candidatesOf = (answer, threshold) => {
    const { all } = sd.classWeights(answer);
    const columns = answer.classes + 1;
    const found = [];
    for (let query = 0; query < answer.queries; query += 1) {
      let category = 0;
      for (let c = 1; c < columns; c += 1) {
        if (all[query * columns + c] > all[query * columns + category]) category = c;
      }
      const score = all[query * columns + category];
      if (category < answer.classes && score > threshold) found.push({ query, category, score });
    }
    return found;
  };

  /** Who owns each pixel, 65535 for nobody, and what each candidate won, owns, and has in its mask, in pixels. */
  const claim = (answer, candidates, height, width, maskThreshold) => {
    const count = candidates.length;
    const owner = new Uint16Array(height * width).fill(65535);
    const [won, owned, mask] = [0, 0, 0].map(() => new Float64Array(count));
    const border = Math.log(maskThreshold) - Math.log1p(-maskThreshold);
    const which = candidates.map(({ query }) => query);
    for (const tile of sd.tiles(answer, which, height, width, TILE_CELLS)) {
      const { rows, columns, low, high } = tile;
      const wide = columns.stop - columns.start;
      const area = wide * (rows.stop - rows.start);
      let floor = -1;
      for (let k = 0; k < count; k += 1) floor = Math.max(floor, low[k] * candidates[k].score);
      const rivals = [];
      const planes = [];
      for (let k = 0; k < count; k += 1) {
        const rival = high[k] * candidates[k].score >= floor - ROUNDING;
        if (low[k] >= maskThreshold) mask[k] += area;
        const partly = low[k] < maskThreshold && high[k] >= maskThreshold;
        if (!rival && !partly) continue;
        const plane = sd.toPixels(sd.samplesOf(answer, which[k], tile), tile);
        if (partly) for (let i = 0; i < area; i += 1) if (plane[i] >= border) mask[k] += 1;
        if (rival) {
          rivals.push(k);
          planes.push(plane);
        }
      }
      for (let y = rows.start, i = 0; y < rows.stop; y += 1) {
        for (let at = y * width + columns.start, end = at + wide; at < end; at += 1, i += 1) {
          let [best, most] = [0, -1];
          for (let r = 0; r < rivals.length; r += 1) {
            const share = rivals.length === 1 ? 1 : candidates[rivals[r]].score / (1 + Math.exp(-planes[r][i]));
            if (share > most) [best, most] = [r, share];
          }
          const k = rivals[best];
          won[k] += 1;
          if (planes[best][i] < border) continue;
          owned[k] += 1;
          owner[at] = k;
        }
      }
    }
    return { owner, won, owned, mask };
  };

  /**
   * Things and stuff as segments that do not overlap.
   * @param {object} answer see `sd.tiles` and `sd.semanticMap`
   * @param {{score_threshold: number, mask_threshold: number, overlap_threshold: number, stuff: Set<number>}} options
   * @returns {{ids: Uint16Array, segments: {id: number, category: number, area: number, pixels: number, score: number,
   *   queries: number[]}[]}} ids 0 for none; `area` a share, `score` where queries were fused their mean by pixels
   */
  sd.panopticSegments = (answer, height, width, options) => {
    const candidates = candidatesOf(answer, options.score_threshold);
    const ids = new Uint16Array(height * width);
    if (!candidates.length) return { ids, segments: [] };
    const { owner, won, owned, mask } = claim(answer, candidates, height, width, options.mask_threshold);
    const lookup = new Uint16Array(65536);
    const groups = [];
    const fused = new Map();
    candidates.forEach(({ category }, k) => {
      if (!owned[k] || won[k] < options.overlap_threshold * mask[k]) return;
      if (!fused.has(category)) groups.push([]);
      const number = fused.get(category) ?? groups.length;
      if (options.stuff.has(category)) fused.set(category, number);
      groups[number - 1].push(k);
      lookup[k] = number;
    });
    for (let i = 0; i < ids.length; i += 1) ids[i] = lookup[owner[i]];
    const segments = groups.map((group, index) => {
      const pixels = group.reduce((sum, k) => sum + owned[k], 0);
      return {
        id: index + 1, category: candidates[group[0]].category, pixels, area: pixels / ids.length,
        score: group.reduce((sum, k) => sum + candidates[k].score * owned[k], 0) / pixels,
        queries: group.map((k) => candidates[k].query),
      };
    });
    return { ids, segments };
  };
})((window.segdemo ??= {}));
