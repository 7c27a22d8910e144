// One observable state for the page: a click in any tab selects, and the other tabs follow.
((sd) => {
  "use strict";

  /**
   * The tabs in their order, each put in by its own script; one that `asks` has a question of its own about a pixel,
   * one that `needs` a part of a prediction says why where that is lacking.
   * @type {{id: string, title: string, question: string, build: Function, show: Function, pick?: Function, asks?: boolean,
   *   needs?: string,   legend?: Function}[]} `legend`: the rows below a saved picture, {color, text}
   */
  sd.tabs = [];

  /** The tab to begin with where an address names none: that of what the checkpoint separates. */
  sd.firstTab = (config, { checkpoint }) =>
    config.checkpoints.find(({ id }) => id === (checkpoint ?? config.checkpoint))?.kind === "instance" ? "panoptic" : "semantic";

  /** What the decoder goes without: queries, heads as "layer.head" counted from 1 and 0, and layers. */
  sd.NOTHING_OFF = Object.freeze({ queries: [], heads: [], layers: [] });

  /**
   * @param {Object} initial the keys there are; others are refused, so that a typing error is loud
   * @returns {{get: Function, set: Function, on: Function}}
   */
  sd.createState = (initial) => {
    const values = { ...initial };
    const listeners = [];
    let pending = null;

    const flush = () => {
      const changed = pending;
      pending = null;
      for (const { keys, callback } of listeners) {
        if (keys.some((key) => changed.has(key))) callback(values, changed);
      }
    };

    return {
      get: (key) => {
        if (!(key in values)) throw new Error(`There is no state called ${key}.`);
        return values[key];
      },
      /** Change some keys; listeners run once, in a microtask, however many keys changed. */
      set: (changes) => {
        for (const [key, value] of Object.entries(changes)) {
          if (!(key in values)) throw new Error(`There is no state called ${key}.`);
          if (Object.is(values[key], value)) continue;
          values[key] = value;
          if (!pending) {
            pending = new Set();
            queueMicrotask(flush);
          }
          pending.add(key);
        }
      },
      on: (keys, callback) => listeners.push({ keys, callback }),
    };
  };
})((window.segdemo ??= {}));
