// What stands beside the photo: the list of what was found, with switches, and the thresholds of panoptic segments.
((sd) => {
  "use strict";

  const THRESHOLDS = [
    ["score_threshold", "Score", "A query counts when the probability of its class reaches this."],
    ["mask_threshold", "Mask", "A pixel belongs to a query's mask when its mask probability reaches this."],
    ["overlap_threshold", "Overlap", "A segment is kept when this share of its mask is really its own."],
  ];

  /** Names for segments: things of one class are counted. */
  sd.nameSegments = (segments, classes) => {
    const counts = new Map();
    const total = new Map();
    for (const { category } of segments) total.set(category, (total.get(category) ?? 0) + 1);
    return segments.map(({ category }) => {
      const { name } = classes[category];
      counts.set(category, (counts.get(category) ?? 0) + 1);
      return total.get(category) > 1 ? `${name} ${counts.get(category)}` : name;
    });
  };

  /** Shades of a class's colour, so that two things of it are told apart. */
  sd.shade = (color, index) => {
    if (!index) return color;
    const by = [0.72, 1.28, 0.55, 1.5, 0.86, 1.14][(index - 1) % 6];
    return color.map((value) => Math.min(245, Math.max(20, Math.round(by < 1 ? value * by : value + (255 - value) * (by - 1)))));
  };

  /**
   * @param {{viewer: object, onThresholds: (values: object) => void, onSelect: (id: number|null) => void, thresholds: object}} app
   * @returns {{element: HTMLElement, show: (entries: Map, noun: string[]) => void, mark: (id: number|null) => void,
   *   thresholds: HTMLElement}}
   */
  sd.buildPanel = (app) => {
    const e = sd.element;
    const { viewer } = app;
    const listing = sd.buildListing({
      viewer, onSelect: app.onSelect, empty: (noun) => `No ${noun[1]} were found: no query is sure enough. Lower the score threshold.`,
    });
    const values = { ...app.thresholds };
    const sliders = THRESHOLDS.map(([key, label, help]) => sd.slider({
      label, min: 0, max: 1, step: 0.01, value: values[key], format: sd.wholePercent, help,
      onInput: (value) => {
        values[key] = value;
        app.onThresholds({ ...values });
      },
    }));
    const reset = sd.button("Reset thresholds", () => {
      Object.assign(values, app.thresholds);
      THRESHOLDS.forEach(([key], index) => sliders[index].set(values[key]));
      app.onThresholds({ ...values });
    }, "sd-quiet");
    const thresholds = e("div", { class: "sd-controls" }, ...sliders, reset);
    return { ...listing, thresholds };
  };
})((window.segdemo ??= {}));
