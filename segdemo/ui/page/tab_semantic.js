// Semantic: one class for every pixel, the legend by area with its switches, and how sure the network is.
((sd) => {
  "use strict";

  const HEATS = {
    confidence: { plane: "top", title: "Probability of the best class", noun: "probability", colormap: "viridis", unit: "%" },
    entropy: { plane: "entropy", title: "Entropy over classes (1 = undecided)", noun: "entropy", colormap: "magma", unit: "" },
  };

  const kind = (isthing) => (isthing ? "thing" : "stuff");

  const build = (app, panel) => {
    const e = sd.element;
    const { state } = app;
    const view = sd.segmented({
      label: "What the canvas shows", value: state.get("view"),
      options: [["classes", "Classes"], ["confidence", "Confidence"], ["entropy", "Entropy"]],
      onChange: (key) => state.set({ view: key }),
    });
    const legend = e("div", { class: "sd-legend-list", role: "list", "aria-label": "Classes by area" });
    panel.append(
      view,
      sd.heading("Classes by area",
        "Every pixel gets the class with the highest score: each query proposes a mask and class probabilities, and a class's score at a pixel is the sum over queries of class probability times mask probability. Areas are per cent of the photo. Stuff (sky, road) is what cannot be counted, things (cars, people) can be; stuff has hatched chips. The switch shows or hides a class, here and in Classes, Panoptic and Decoder layers."),
      legend, sd.buildRefinement(app, "semantic"), sd.buildDownloads(app, "semantic"));

    const fill = () => {
      const run = state.get("run");
      if (!run) {
        legend.replaceChildren();
        return;
      }
      legend.replaceChildren(...sd.currentClasses(app).map((entry) => {
        const row = sd.legendRow(app, {
          ...entry, number: sd.percent(entry.area), share: entry.area,
          title: `${entry.label}, ${kind(entry.isthing)}: ${sd.percent(entry.area)} of the photo, mean probability ${sd.percent(entry.score)}`,
          onSelect: () => state.set({ classId: state.get("classId") === entry.id ? null : entry.id }),
        });
        return e("div", { role: "listitem", class: "sd-legend-item" }, row, sd.classSwitch(app, entry));
      }));
      mark();
    };
    const mark = () => {
      for (const row of legend.querySelectorAll(".sd-legend-row")) {
        const id = Number(row.dataset.id);
        row.setAttribute("aria-pressed", String(id === state.get("classId")));
        row.classList.toggle("sd-off", !sd.isOn(app, id));
      }
      sd.markSwitches(app, legend);
    };
    state.on(["run", "refined"], fill);
    state.on(["classId", "visible"], mark);
    state.on(["view"], () => view.set(state.get("view")));
    state.on(["view", "classId", "refined", "visible"], () => state.get("tab") === "semantic" && state.get("run") && show(app));
  };

  const show = (app) => {
    const { state, viewer } = app;
    const run = state.get("run");
    const map = sd.currentMap(app);
    viewer.setMap(map);
    const heat = HEATS[state.get("view")];
    viewer.setHeat(heat ? {
      width: run.planes.width, height: run.planes.height, data: run.planes[heat.plane], min: 0, max: 1,
      title: heat.title, noun: heat.noun, colormap: heat.colormap, unit: heat.unit,
    } : null);
    sd.showVisible(app, map.entries);
    viewer.select(state.get("classId"));
    sd.showComparison(app, "semantic");
  };

  const pick = (app, { id }) => app.state.set({ classId: id });

  sd.tabs.push({ id: "semantic", title: "Semantic", question: "See", build, show, pick });
})((window.segdemo ??= {}));
