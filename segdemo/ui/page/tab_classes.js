// Classes: the whole list with search and a switch for each; where nothing is on the photo is dimmed.
((sd) => {
  "use strict";

  const build = (app, panel) => {
    const e = sd.element;
    const { state, viewer } = app;
    const search = e("input", { type: "search", class: "sd-search", placeholder: "Find a class", "aria-label": "Find a class" });
    const list = e("div", { class: "sd-switches", role: "group", "aria-label": "Classes found" });
    const empty = e("p", { class: "sd-help", text: "No class found here has this name." });
    panel.append(
      sd.heading("Classes found", "Switch classes on and off, here as in the legend. The photo is dimmed where nothing is on, so that what is left stands out."),
      search,
      e("div", { class: "sd-row" },
        sd.button("All", () => sd.chooseClasses(app, () => true)), sd.button("None", () => sd.chooseClasses(app, () => false)),
        sd.button("Invert", () => sd.chooseClasses(app, ({ id }) => !sd.isOn(app, id)))),
      list, empty, sd.viewDownloads(app));
    search.addEventListener("input", filter);
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      search.value = "";
      filter();
    });

    function filter() {
      const wanted = search.value.trim().toLowerCase();
      let shown = 0;
      for (const row of list.children) {
        row.hidden = !row.dataset.name.includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      empty.hidden = shown > 0 || list.children.length === 0;
    }

    const fill = () => {
      list.replaceChildren(...(state.get("run") ? sd.currentClasses(app).map((entry) => {
        const input = sd.classSwitch(app, entry);
        const only = sd.button("only", () => sd.chooseClasses(app, ({ id }) => id === entry.id), "sd-only");
        only.setAttribute("aria-label", `Only ${entry.label}`);
        const name = e("label", { class: "sd-name" }, input, sd.chip(entry.color, entry.isthing), e("span", { text: entry.label }));
        const row = e("div", { class: "sd-check" }, name, e("span", { class: "sd-number", text: sd.percent(entry.area) }), only);
        row.dataset.name = entry.label.toLowerCase();
        row.dataset.id = String(entry.id);
        row.addEventListener("pointerenter", () => viewer.highlight(entry.id));
        row.addEventListener("pointerleave", () => viewer.highlight(null));
        return row;
      }) : []));
      filter();
      mark();
    };
    /** The class that is picked on the photo, here as in the legend. */
    const mark = () => {
      for (const row of list.children) {
        if (Number(row.dataset.id) === state.get("classId")) row.setAttribute("aria-current", "true");
        else row.removeAttribute("aria-current");
      }
    };
    state.on(["run", "refined"], fill);
    state.on(["classId"], mark);
    state.on(["visible"], () => sd.markSwitches(app, list));
    state.on(["visible", "refined", "classId"], () => state.get("tab") === "classes" && state.get("run") && show(app));
  };

  const show = (app) => {
    const { state, viewer } = app;
    const map = sd.currentMap(app);
    viewer.setMap(map);
    sd.showVisible(app, map.entries);
    viewer.select(state.get("classId"));
  };

  const pick = (app, { id }) => app.state.set({ classId: id });

  sd.tabs.push({ id: "classes", title: "Classes", question: "See", build, show, pick });
})((window.segdemo ??= {}));
