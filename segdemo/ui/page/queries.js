// The list of queries: thumbnail, class, probability, area; sorted as one wants, those without a mask folded away.
((sd) => {
  "use strict";

  const ORDERS = {
    sure: ["Surest first", (one, two) => two.probability - one.probability || one.query - two.query],
    area: ["Largest mask first", (one, two) => two.area - one.area],
    won: ["Most pixels decided first", (one, two) => two.won - one.won],
    number: ["By number", (one, two) => one.query - two.query],
  };

  /**
   * @param {Object} app
   * @param {string} tab the tab that the list is in
   * @returns {HTMLElement & {mark: Function}}
   */
  sd.buildQueryList = (app, tab) => {
    const e = sd.element;
    const { state } = app;
    let order = "sure";
    const list = e("div", { class: "sd-query-list", role: "listbox", "aria-label": "Queries", tabindex: "0" });
    const empty = e("div", { class: "sd-query-list", role: "listbox", "aria-label": "Queries with an empty mask", tabindex: "0" });
    const folded = e("details", { class: "sd-folded" }, e("summary", {}), empty);
    const sort = sd.select({
      label: "Order", hideLabel: true, value: order, options: Object.entries(ORDERS).map(([key, [text]]) => [key, text]),
      onChange: (key) => {
        order = key;
        fill();
      },
    });
    const box = e("div", { class: "sd-queries" }, sort, list, folded);

    const rowOf = (entry) => {
      const row = e("div", { role: "option", class: `sd-query${entry.no_object > 0.5 ? " sd-faint" : ""}`, id: `sd-query-${tab}-${entry.query}` },
        sd.thumbnail(app, entry.query), e("span", { class: "sd-number sd-query-id", text: String(entry.query) }), sd.chip(entry.color, entry.isthing),
        e("span", { class: "sd-name", text: entry.label }), e("span", { class: "sd-number", text: sd.percent(entry.probability) }),
        e("span", { class: "sd-number sd-query-area", text: sd.percent(entry.area), title: "Area of its mask" }));
      row.dataset.query = String(entry.query);
      row.addEventListener("click", () => state.set({ query: entry.query }));
      return row;
    };
    const fill = () => {
      const run = state.get("run");
      const rows = run ? [...run.queries].sort(ORDERS[order][1]) : [];
      const [none, some] = [rows.filter(({ area }) => area === 0), rows.filter(({ area }) => area > 0)];
      list.replaceChildren(...some.map(rowOf));
      empty.replaceChildren(...none.map(rowOf));
      folded.hidden = !none.length;
      folded.firstChild.textContent = `${none.length} ${none.length === 1 ? "query" : "queries"} with an empty mask`;
      box.mark();
    };
    box.mark = () => {
      if (!state.get("run")) return;
      const chosen = state.get("query") ?? sd.bestQuery(state.get("run"));
      for (const group of [list, empty]) {
        group.removeAttribute("aria-activedescendant");
        for (const row of group.children) {
          const mine = Number(row.dataset.query) === chosen;
          row.setAttribute("aria-selected", String(mine));
          if (!mine) continue;
          group.setAttribute("aria-activedescendant", row.id);
          if (group === empty) folded.open = true;
          if (state.get("tab") === tab) group.scrollTo({ top: row.offsetTop - group.clientHeight / 2 });
        }
      }
    };
    for (const group of [list, empty]) {
      group.addEventListener("keydown", (event) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!by || !state.get("run")) return;
        event.preventDefault();
        const numbers = [...group.children].map((row) => Number(row.dataset.query));
        const at = numbers.indexOf(state.get("query") ?? sd.bestQuery(state.get("run")));
        state.set({ query: numbers[sd.clamp(at + by, 0, numbers.length - 1)] });
      });
    }
    state.on(["run"], fill);
    state.on(["query", "run", "tab"], () => box.mark());
    fill();
    return box;
  };

  /** The query to begin with: the surest that has a mask; null without queries. */
  sd.bestQuery = (run) => (run.queries.find(({ area }) => area > 0) ?? run.queries[0])?.query ?? null;
})((window.segdemo ??= {}));
