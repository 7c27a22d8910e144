// Classes: a switch for each class found; where nothing is on the photo is dimmed.
((sd) => {
  "use strict";

  const build = (app, panel) => {
    const e = sd.element;
    const { state, viewer } = app;
    const search = e("input", { type: "search", class: "sd-search", placeholder: "Find a class", "aria-label": "Find a class" });
    const list = e("div", { class: "sd-switches", role: "group", "aria-label": "Classes found" });
    const empty = e("p", { class: "sd-help", text: "No class found here has this name." });
    const set = (choose) => {
      const run = state.get("run");
      if (run) state.set({ visible: new Set(run.classes.filter(choose).map(({ id }) => id)) });
    };
    const isOn = (id) => state.get("visible")?.has(id) ?? true;
    panel.append(
      sd.heading("Classes found", "Switch classes on and off. The photo is dimmed where nothing is on, so that what is left stands out."),
      search,
      e("div", { class: "sd-row" },
        sd.button("All", () => set(() => true)), sd.button("None", () => set(() => false)),
        sd.button("Invert", () => set(({ id }) => !isOn(id)))),
      list, empty);
    search.addEventListener("input", filter);
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
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
      const run = state.get("run");
      list.replaceChildren(...(run ? run.classes.map((entry) => {
        const check = sd.check({
          label: entry.label, checked: true,
          onChange: (on) => {
            const visible = new Set(state.get("visible") ?? run.classes.map(({ id }) => id));
            if (on) visible.add(entry.id);
            else visible.delete(entry.id);
            state.set({ visible });
          },
        });
        check.input.dataset.id = String(entry.id);
        check.input.setAttribute("role", "switch");
        check.insertBefore(sd.chip(entry.color, entry.isthing), check.lastChild);
        const only = sd.button("only", () => set(({ id }) => id === entry.id), "sd-only");
        only.setAttribute("aria-label", `Only ${entry.label}`);
        check.append(e("span", { class: "sd-number", text: sd.percent(entry.area) }), only);
        check.dataset.name = entry.label.toLowerCase();
        check.addEventListener("pointerenter", () => viewer.highlight(entry.id));
        check.addEventListener("pointerleave", () => viewer.highlight(null));
        return check;
      }) : []));
      filter();
    };
    const mark = () => {
      for (const input of list.querySelectorAll("input")) input.checked = isOn(Number(input.dataset.id));
      if (state.get("tab") === "classes") viewer.setVisible(state.get("visible"));
    };
    state.on(["run"], fill);
    state.on(["run", "visible"], mark);
  };

  const show = (app) => {
    const { state, viewer } = app;
    viewer.setMap(state.get("run").map);
    viewer.setDimHidden(true);
    viewer.setVisible(state.get("visible"));
    viewer.select(state.get("classId"));
  };

  const pick = (app, { id }) => app.state.set({ classId: id });

  sd.tabs.push({ id: "classes", title: "Classes", build, show, pick });
})((window.segdemo ??= {}));
