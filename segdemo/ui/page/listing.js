// The list of what was found in a photo, with switches, for pages without a server.
((sd) => {
  "use strict";

  /**
   * @param {{viewer: any, onSelect: (id: number) => void, empty: (noun: string[]) => string,
   *   onVisible?: (shown: number[]|null) => void}} app `empty` says why nothing was found
   * @returns {{element: HTMLElement, show: (entries: Map, noun: string[], visible?: number[]|null) => void,
   *   mark: (id: number|null) => void}}
   */
  sd.buildListing = (app) => {
    const e = sd.element;
    const { viewer } = app;
    const list = e("div", { class: "sd-legend-list" });
    const empty = e("p", { class: "sd-empty-result", hidden: true });
    const every = sd.button("Show all", () => {
      for (const input of list.querySelectorAll("input")) input.checked = true;
      apply();
    }, "sd-quiet");
    every.hidden = true;
    let ids = [];

    const apply = () => {
      const inputs = [...list.querySelectorAll("input")];
      const shown = inputs.filter((input) => input.checked).map((input) => Number(input.dataset.id));
      const all = shown.length === ids.length;
      viewer.setDimHidden(!all);
      viewer.setVisible(all ? null : shown);
      every.hidden = all;
      app.onVisible?.(all ? null : shown);
    };

    const toggle = (id, label, on) => {
      const input = e("input", { type: "checkbox", role: "switch", class: "sd-switch", "aria-label": `Show ${label}`, title: `Show ${label}` });
      input.checked = on;
      input.dataset.id = String(id);
      input.addEventListener("change", apply);
      return input;
    };

    const show = (entries, noun, visible = null) => {
      ids = [...entries.keys()];
      list.replaceChildren(...[...entries].map(([id, entry]) => {
        const label = entry.name ?? entry.label;
        const row = sd.legendRow(app, {
          id, label, color: entry.color, isthing: entry.isthing, number: sd.percent(entry.area), share: entry.area,
          title: `${label}: ${sd.percent(entry.area)} of the photo, score ${sd.percent(entry.score)}`,
          onSelect: () => app.onSelect(id),
        });
        return e("div", { class: "sd-legend-item" }, row, toggle(id, label, visible === null || visible.includes(id)));
      }));
      empty.hidden = ids.length > 0;
      empty.textContent = app.empty(noun);
      apply();
    };

    const mark = (chosen) => {
      for (const row of list.querySelectorAll(".sd-legend-row")) row.setAttribute("aria-pressed", String(Number(row.dataset.id) === chosen));
    };
    return { element: e("div", { class: "sd-panel" }, list, empty, every), show, mark };
  };
})((window.segdemo ??= {}));
