// Panoptic: every object its own segment; thresholds as sliders; a table linked with the canvas both ways.
((sd) => {
  "use strict";

  const SLIDERS = [
    ["score_threshold", "Score", "A query counts when the probability of its class reaches this."],
    ["mask_threshold", "Mask", "A pixel belongs to a query's mask when its mask probability reaches this."],
    ["overlap_threshold", "Overlap", "A segment is kept when this share of its mask is really its own, not covered by stronger queries."],
  ];

  const OVERLAPPING = "Instances may overlap: the surest lies on top. Choose one to see all of it, also what others cover.";

  /** `plain` are the entries of the same segments before refinement, where there is one. */
  const decode = async (answer, plain) => {
    const entries = new Map(answer.segments.map((segment) => [segment.id, segment]));
    const [before, mask] = answer.refined ? await Promise.all([sd.unpack(answer.before), sd.unpack(answer.mask)]) : [];
    return { ...answer, entries, map: { width: answer.map.shape[1], height: answer.map.shape[0], ids: await sd.unpack(answer.map), none: 0, entries, noun: ["segment", "segments"] },
      comparison: answer.refined ? { before, mask, entries: plain } : null };
  };

  const build = (app, panel) => {
    const e = sd.element;
    const { state, viewer, client } = app;
    const change = (changes) => state.set({ thresholds: { ...state.get("thresholds"), ...changes } });
    const note = e("p", { class: "sd-note-text" });
    const body = e("tbody");
    const caption = e("caption", { class: "sd-hidden", text: "Segments, by area" });
    const table = e("table", { class: "sd-table" },
      caption,
      e("thead", {}, e("tr", {}, ...["Class", "Score", "Area", "Kind"].map((text, index) =>
        e("th", { scope: "col", text, class: index === 1 || index === 2 ? "sd-number" : "" })))),
      body);
    const empty = e("p", { class: "sd-empty-result" });

    const { box: missing, fetchDropped } = sd.buildDropped(app, change);
    const accept = async (run, answer) => {
      if (state.get("run") !== run) return;
      const before = answer.beforeSegments ?? answer.segments;
      const decoded = await decode(answer, new Map(before.map((segment) => [segment.id, segment])));
      if (state.get("run") === run) state.set({ panoptic: decoded, segment: decoded.entries.has(state.get("segment")) ? state.get("segment") : null });
    };
    const refresh = () => app.guard(async () => {
      const run = state.get("run");
      if (!run || sd.lacking(run, "queries")) return;
      const exact = app.exact.panoptic;
      exact.cancel();
      const asked = { token: run.token, ...state.get("thresholds"), ...sd.refinementOf(app, "panoptic") };
      const answer = await client.callLatest("panoptic", "panoptic", asked);
      if (!answer) return;
      await accept(run, answer);
      if (answer.quick) exact.follow(asked, (found) => accept(run, found));
      fetchDropped(run);
    });
    panel.refresh = refresh;
    app.refreshPanoptic = refresh;

    const sliders = SLIDERS.map(([key, label, help]) => sd.slider({
      label, min: 0, max: 1, step: 0.01, value: state.get("thresholds")[key], format: sd.wholePercent, help,
      onInput: (value) => change({ [key]: value }),
    }));
    const split = sd.check({ label: "Split things into connected parts", onChange: (on) => change({ split: on }) });
    const things = sd.check({ label: "Things only (instances)", onChange: (on) => change({ things_only: on }) });
    /** Of a network that learned things alone there is nothing else; they may overlap, so that none must win its mask. */
    const fitThings = () => {
      const alone = state.get("run")?.thingsOnly ?? false;
      things.input.checked = alone || state.get("thresholds").things_only;
      things.input.disabled = alone;
      sliders[2].hidden = things.input.checked;
    };
    state.on(["run"], fitThings);
    const reset = sd.button("Reset thresholds", () => state.set({ thresholds: app.thresholds }));
    state.on(["thresholds"], () => {
      const chosen = state.get("thresholds");
      SLIDERS.forEach(([key], index) => sliders[index].set(chosen[key]));
      split.input.checked = chosen.split;
      fitThings();
      if (state.get("panoptic") || state.get("tab") === "panoptic") refresh();
    });
    panel.append(
      sd.heading("Panoptic segments",
        "Queries that are sure enough claim pixels: each thing is a segment of its own, all stuff of a class is one. Pixels that nobody claims stay bare."),
      note, e("div", { class: "sd-table-wrap" }, table), empty,
      e("div", { class: "sd-controls" }, ...sliders, split, things, reset), missing,
      sd.buildRefinement(app, "panoptic"), sd.buildDownloads(app, "panoptic"));

    const fill = () => {
      const run = state.get("run");
      const result = state.get("panoptic");
      const overlapping = result?.overlapping ?? false;
      note.textContent = [run?.instancesNote, overlapping ? OVERLAPPING : ""].filter(Boolean).join(" ");
      caption.textContent = overlapping ? "Instances, by score" : "Segments, by area";
      empty.hidden = !result || result.segments.length > 0;
      table.hidden = !result || result.segments.length === 0;
      if (!result) {
        body.replaceChildren();
        return;
      }
      empty.textContent = result.empty;
      body.replaceChildren(...result.segments.map((segment) => {
        const name = e("button", { type: "button", class: "sd-cell-button" }, sd.chip(segment.color, segment.isthing), e("span", { text: segment.name }));
        const row = e("tr", {}, e("td", {}, name),
          e("td", { class: "sd-number", text: sd.percent(segment.score) }),
          e("td", { class: "sd-number", text: sd.percent(segment.area) }),
          e("td", { text: segment.isthing ? "thing" : "stuff" }));
        row.dataset.id = String(segment.id);
        name.addEventListener("click", () => select(segment));
        row.addEventListener("click", (event) => event.target.closest("button") || select(segment));
        row.addEventListener("pointerenter", () => {
          raise(app, segment.id);
          viewer.highlight(segment.id);
        });
        row.addEventListener("pointerleave", () => {
          raise(app, state.get("segment"));
          viewer.highlight(null);
        });
        return row;
      }));
      mark();
    };
    const select = (segment) => {
      const same = state.get("segment") === segment.id;
      state.set({ segment: same ? null : segment.id, query: segment.queries[0] ?? state.get("query"), classId: same ? null : segment.category_id });
    };
    const mark = () => {
      for (const row of body.children) {
        const chosen = Number(row.dataset.id) === state.get("segment");
        row.classList.toggle("sd-chosen", chosen);
        row.querySelector("button").setAttribute("aria-pressed", String(chosen));
        if (chosen && state.get("tab") === "panoptic") row.scrollIntoView({ block: "nearest" });
      }
    };
    state.on(["panoptic", "run"], fill);
    state.on(["segment"], mark);
    state.on(["panoptic", "segment", "visible"], () => state.get("tab") === "panoptic" && state.get("run") && !sd.lacking(state.get("run"), "queries") && show(app));
    app.selectSegment = select;
  };

  const show = (app) => {
    const { state, viewer } = app;
    const result = state.get("panoptic");
    if (!result) {
      viewer.setMap(null);
      app.refreshPanoptic();
      return;
    }
    raised = null;
    viewer.setMap(result.map);
    sd.showVisible(app, result.entries, (id) => result.entries.get(id).category_id);
    viewer.select(state.get("segment"));
    sd.showComparison(app, "panoptic");
    raise(app, state.get("segment"));
  };

  /** The id of the instance that lies on top of the others for now; none where they lie as they are. */
  let raised = null;

  /** Show all of an instance that others cover in part, as if it lay on top; with null, all as they lie. */
  const raise = async (app, id) => {
    const { state, viewer } = app;
    const result = state.get("panoptic");
    const whole = result?.entries.get(id)?.whole;
    const wanted = whole ? id : null;
    if (raised === wanted || result?.comparison || state.get("tab") !== "panoptic") return;
    raised = wanted;
    if (!whole) {
      viewer.setMap(result.map);
      return;
    }
    const { x, y, mask } = whole;
    const inside = await sd.unpack(mask);
    if (raised !== id || state.get("panoptic") !== result || state.get("tab") !== "panoptic") return;
    const [height, width] = mask.shape;
    const ids = result.map.ids.slice();
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        if (inside[row * width + column]) ids[(y + row) * result.map.width + x + column] = id;
      }
    }
    viewer.setMap({ ...result.map, ids });
  };

  const pick = (app, { id }) => {
    const segment = app.state.get("panoptic")?.entries.get(id);
    if (segment) {
      app.state.set({ segment: id, query: segment.queries[0] ?? app.state.get("query"), classId: segment.category_id });
    } else app.state.set({ segment: null });
  };

  sd.tabs.push({ id: "panoptic", title: "Panoptic", question: "See", needs: "queries", build, show, pick });
})((window.segdemo ??= {}));
