// Semantic: one class for every pixel, the legend by area, and how sure the network is.
((sd) => {
  "use strict";

  const HEATS = {
    confidence: { plane: "top", title: "Probability of the best class", colormap: "viridis" },
    entropy: { plane: "entropy", title: "Entropy over classes (1 = undecided)", colormap: "magma" },
  };

  /** The classes to show: as predicted, or as refined where a refinement is on. */
  sd.currentClasses = (app) => app.state.get("refined")?.semantic?.classes ?? app.state.get("run").classes;
  sd.currentMap = (app) => app.state.get("refined")?.semantic?.map ?? app.state.get("run").map;

  /** One row of a legend or table: chip, name, number; hover lights it up on the canvas, a click selects it. */
  sd.legendRow = (app, { id, label, color, isthing, number, share, title, onSelect }) => {
    const e = sd.element;
    const bar = e("span", { class: "sd-bar-share", "aria-hidden": "true" });
    bar.style.setProperty("--sd-share", `${Math.max(share * 100, 0.5)}%`);
    bar.style.setProperty("--sd-chip", sd.rgb(color));
    const row = e("button", { type: "button", class: "sd-legend-row", title: title ?? "" },
      sd.chip(color, isthing), e("span", { class: "sd-name", text: label }), e("span", { class: "sd-number", text: number }), bar);
    row.dataset.id = String(id);
    row.addEventListener("pointerenter", () => app.viewer.highlight(id));
    row.addEventListener("pointerleave", () => app.viewer.highlight(null));
    row.addEventListener("focus", () => app.viewer.highlight(id));
    row.addEventListener("blur", () => app.viewer.highlight(null));
    row.addEventListener("click", onSelect);
    return row;
  };

  const kind = (isthing) => (isthing ? "thing" : "stuff");

  const build = (app, panel) => {
    const e = sd.element;
    const { state } = app;
    const view = sd.segmented({
      label: "What the canvas shows", value: "classes",
      options: [["classes", "Classes"], ["confidence", "Confidence"], ["entropy", "Entropy"]],
      onChange: (key) => state.set({ view: key }),
    });
    const legend = e("div", { class: "sd-legend-list", role: "list" });
    panel.append(
      sd.heading("Semantic segmentation",
        "Every pixel gets the class with the highest score: each query proposes a mask and class probabilities, and a class's score at a pixel is the sum over queries of class probability times mask probability."),
      view,
      sd.heading("Classes by area",
        "Per cent of the photo. Stuff (sky, road) is what cannot be counted, things (cars, people) can be; stuff has hatched chips."),
      legend, sd.buildRefinement(app, "semantic"), sd.buildDownloads(app, "semantic"));

    const fill = () => {
      if (!state.get("run")) {
        legend.replaceChildren();
        return;
      }
      legend.replaceChildren(...sd.currentClasses(app).map((entry) => {
        const row = sd.legendRow(app, {
          ...entry, number: sd.percent(entry.area), share: entry.area,
          title: `${entry.label}, ${kind(entry.isthing)}: ${sd.percent(entry.area)} of the photo, mean probability ${sd.percent(entry.score)}`,
          onSelect: () => state.set({ classId: state.get("classId") === entry.id ? null : entry.id }),
        });
        const item = e("div", { role: "listitem" }, row);
        return item;
      }));
      mark();
    };
    const mark = () => {
      for (const row of legend.querySelectorAll(".sd-legend-row")) {
        row.setAttribute("aria-pressed", String(Number(row.dataset.id) === state.get("classId")));
      }
    };
    state.on(["run", "refined"], fill);
    state.on(["classId"], mark);
    state.on(["view", "classId", "refined"], () => state.get("tab") === "semantic" && state.get("run") && show(app));
  };

  const show = (app) => {
    const { state, viewer } = app;
    const run = state.get("run");
    viewer.setMap(sd.currentMap(app));
    const heat = HEATS[state.get("view")];
    viewer.setHeat(heat ? {
      width: run.planes.width, height: run.planes.height, data: run.planes[heat.plane], min: 0, max: 1,
      title: heat.title, colormap: heat.colormap, unit: "",
    } : null);
    viewer.select(state.get("classId"));
    sd.showComparison(app, "semantic");
  };

  const pick = (app, { id }) => app.state.set({ classId: id });

  sd.tabs.push({ id: "semantic", title: "Semantic", build, show, pick });
})((window.segdemo ??= {}));
