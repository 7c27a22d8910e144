// Why was this not segmented: the candidates that the thresholds dropped, and what brings each back.
((sd) => {
  "use strict";

  const SHOWN = 6;
  const NAMES = { score: "score_threshold", mask: "mask_threshold", overlap: "overlap_threshold" };
  const SENTENCES = {
    score: ({ value }) => `Its score is ${sd.percent(value)}`,
    mask: ({ value }) => `Its mask is empty: the largest mask probability is ${sd.percent(value)}`,
    overlap: ({ value }) => `It keeps ${sd.percent(value)} of its mask; stronger queries have the rest`,
  };

  /**
   * @param {Object} app
   * @param {Function} change sets thresholds: ({score_threshold: 0.6})
   * @returns {{box: HTMLElement, fetchDropped: Function}} `fetchDropped` asks the server for a run's list
   */
  sd.buildDropped = (app, change) => {
    const e = sd.element;
    const { state, client } = app;
    let entries = [];
    const list = e("ul", { class: "sd-dropped-list" });
    const more = sd.button("", () => {
      list.classList.toggle("sd-all");
      fill();
    }, "sd-link");
    const box = e("section", { class: "sd-dropped" },
      sd.heading("Why was this not segmented?",
        "Queries that named an object and have no segment, with the threshold that dropped them. Pick a bare pixel to see those whose mask covers it."),
      list, more);
    box.hidden = true;

    const rowOf = (entry) => {
      const words = e("span", { class: "sd-help", text: `${SENTENCES[entry.reason](entry)}.` });
      const back = entry.remedy === null
        ? e("span", { class: "sd-help", text: `No ${entry.reason} threshold brings it back while the others stay.` })
        : sd.button(`Bring back: ${entry.reason} ${sd.wholePercent(entry.remedy)}`, () => change({ [NAMES[entry.reason]]: entry.remedy }));
      const row = e("li", { class: "sd-dropped-row" }, sd.thumbnail(app, entry.query),
        e("div", {}, e("span", { class: "sd-dropped-name" }, sd.chip(entry.color, entry.isthing), e("strong", { text: entry.label }), ` q${entry.query}`),
          words, back));
      sd.lightsMask(app, row, entry.query);
      return row;
    };
    const fill = async () => {
      const run = state.get("run");
      const pixel = state.get("pixel");
      const bare = pixel && state.get("panoptic") && state.get("segment") === null;
      const covering = bare ? await app.thumbs.covering(pixel, state.get("thresholds").mask_threshold) : null;
      if (state.get("run") !== run) return;
      const here = covering ? entries.filter(({ query }) => covering.has(query)) : [];
      const all = list.classList.contains("sd-all");
      const wanted = here.length ? here : entries;
      box.hidden = !entries.length;
      list.replaceChildren(...wanted.slice(0, all ? wanted.length : SHOWN).map(rowOf));
      more.hidden = wanted.length <= SHOWN;
      more.textContent = all ? "Show fewer" : `Show all ${wanted.length}`;
    };
    const fetchDropped = (run) => app.guard(async () => {
      const answer = await client.callLatest("dropped", "dropped", { token: run.token, ...state.get("thresholds") });
      if (!answer || state.get("run") !== run) return;
      entries = answer.dropped;
      fill();
    });
    state.on(["run"], () => {
      entries = [];
      fill();
    });
    state.on(["pixel", "segment"], fill);
    return { box, fetchDropped };
  };
})((window.segdemo ??= {}));
