// What the tabs share of classes: the current map, which classes are on, and the rows of a legend.
((sd) => {
  "use strict";

  /** The classes to show: as predicted, or as refined where a refinement is on. */
  sd.currentClasses = (app) => app.state.get("refined")?.semantic?.classes ?? app.state.get("run").classes;
  sd.currentMap = (app) => app.state.get("refined")?.semantic?.map ?? app.state.get("run").map;

  /** Whether a class is switched on; all are until somebody switches one off. */
  sd.isOn = (app, id) => app.state.get("visible")?.has(id) ?? true;

  /** Switch on just the classes that `choose` takes; with all on there is no set, so that new ones are on, too. */
  sd.chooseClasses = (app, choose) => {
    if (!app.state.get("run")) return;
    const classes = sd.currentClasses(app);
    const chosen = classes.filter(choose).map(({ id }) => id);
    app.state.set({ visible: chosen.length === classes.length ? null : new Set(chosen) });
  };

  /** Put the switched-on classes on the canvas; `categoryOf` tells the class of a map's id where that is another. */
  sd.showVisible = (app, entries, categoryOf = (id) => id) => {
    const { state, viewer } = app;
    const on = state.get("visible");
    viewer.setDimHidden(on !== null);
    viewer.setVisible(on && [...entries.keys()].filter((id) => on.has(categoryOf(id))));
  };

  /** A switch for one class, the same wherever it stands. */
  sd.classSwitch = (app, { id, label }) => {
    const input = sd.element("input", { type: "checkbox", role: "switch", class: "sd-switch", "aria-label": `Show ${label}`, title: `Show ${label}` });
    input.checked = sd.isOn(app, id);
    input.dataset.id = String(id);
    input.addEventListener("change", () => {
      sd.chooseClasses(app, (other) => (other.id === id ? input.checked : sd.isOn(app, other.id)));
    });
    return input;
  };

  /** Keep the switches inside a container as the state says. */
  sd.markSwitches = (app, container) => {
    for (const input of container.querySelectorAll(".sd-switch")) input.checked = sd.isOn(app, Number(input.dataset.id));
  };

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
})((window.segdemo ??= {}));
