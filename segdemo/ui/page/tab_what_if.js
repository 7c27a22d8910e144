// What if: parts of the decoder switched off, the map that comes of it, and whether attention foretold the change.
((sd) => {
  "use strict";

  const VIEWS = [["changed", "What changed"], ["split", "Before | after"], ["after", "After"]];
  const NOBODY = "Nothing is switched off: the map is the prediction. Switch something off below, or rank the queries to see which matter.";

  const toggled = (list, item) => (list.includes(item) ? list.filter((other) => other !== item) : [...list, item]);

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client, viewer } = app;
    const cache = { run: null, answers: new Map(), ranking: null };
    let shownView = "changed";
    let ranking = null;

    const change = (key, item) => state.set({ off: { ...state.get("off"), [key]: toggled(state.get("off")[key], item) } });
    const chosenQuery = () => state.get("query") ?? sd.bestQuery(state.get("run"));
    const chosenLayer = () => Math.max(1, state.get("layer") ?? state.get("run").numLayers - 1);

    const about = e("p", { class: "sd-note-text", "aria-live": "polite" });
    const chips = e("div", { class: "sd-off-list", role: "group", "aria-label": "Switched off; a press switches on again" });
    const view = sd.segmented({ label: "What the canvas shows", options: VIEWS, value: shownView, onChange: (key) => {
      shownView = key;
      draw();
    } });
    const queryButton = sd.button("", () => state.get("run") && change("queries", chosenQuery()));
    /** @type {any} */
    const list = sd.buildQueryList(app, "whatif");
    list.addEventListener("keydown", (event) => {
      if (!state.get("run") || !event.target.matches("[role=listbox]") || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      change("queries", chosenQuery());
    });
    const layers = sd.slider({ label: "Layer", min: 1, max: 9, step: 1, value: 9, format: String, onInput: (layer) => state.set({ layer }) });
    const layerButton = sd.button("", () => state.get("run") && change("layers", chosenLayer()));
    const heads = e("div", { class: "sd-head-switches", role: "group", "aria-label": "Heads of this layer" });
    const changes = e("div", {});
    const told = e("div", {});
    const rankButton = sd.button("Rank the queries", () => rank());
    const stopButton = sd.button("Cancel", () => ranking?.cancel(), "sd-cancel");
    const bar = e("progress", { class: "sd-progress", max: "1", "aria-label": "Ranking the queries" });
    const rankWords = e("p", { class: "sd-note-text", "aria-live": "polite" });
    const ranks = e("div", { class: "sd-legend-list sd-ranks", role: "list", "aria-label": "Queries by the effect of switching each off" });
    stopButton.hidden = bar.hidden = true;
    panel.append(
      sd.heading("What if",
        "Attention says where a query read, not what came of it. Here parts of the decoder are switched off and it runs again, from this photo's features: a query that is off is not seen by the others and has no vote; a head that is off adds nothing to what its layer read; a layer whose cross-attention is off reads nothing, while its self-attention and feed-forward stay. The initial prediction stays as it is."),
      about, queryButton, chips, view, changes, told,
      sd.heading("Queries", "Pick one here or on the photo, where a pixel picks the query that decided it. Enter or space in the list switches the chosen one off or on again, as the button at the top does."), list,
      sd.heading("Layers and heads", "Each decoder layer reads the photo's features once, by several heads at once."), layers, layerButton, heads,
      sd.heading("Which queries matter?", "Each query is switched off alone, and the pixels whose class changes are counted. That many runs of the decoder take a while."),
      e("div", { class: "sd-row" }, rankButton, stopButton), bar, rankWords, ranks, sd.viewDownloads(app));

    /** The map without what is off, asked once for each choice of this run; null while nothing is off or it failed. */
    const ask = async (off) => {
      const run = state.get("run");
      if (cache.run !== run) Object.assign(cache, { run, answers: new Map(), ranking: null });
      const key = JSON.stringify(off);
      if (cache.answers.has(key)) return cache.answers.get(key);
      const asked = { token: run.token, queries: off.queries, layers: off.layers, heads: off.heads.map((pair) => pair.split(".").map(Number)) };
      panel.setAttribute("aria-busy", "true");
      const answer = await app.guard(() => client.callLatest("what_if", "what_if", asked));
      panel.removeAttribute("aria-busy");
      if (!answer || state.get("run") !== run) return null;
      const [ids, changed] = await Promise.all([sd.unpack(answer.map), sd.unpack(answer.changed)]);
      const result = { ...answer, ids, changed, entryOf: new Map(answer.entries.map((entry) => [entry.id, entry])) };
      cache.answers.set(key, result);
      if (cache.answers.size > 12) cache.answers.delete(cache.answers.keys().next().value);
      return result;
    };

    const row = (...cells) => e("tr", {}, ...cells);
    const named = ({ color, isthing, label }) => e("th", { scope: "row" }, e("span", { class: "sd-cell-button" }, sd.chip(color, isthing), e("span", { class: "sd-name", text: label })));
    const number = (share, kind = "") => e("td", { class: `sd-number ${kind}`.trim(), text: share ? sd.percent(share) : "–" });
    const table = (caption, heads_, rows) => e("div", { class: "sd-table-wrap", tabindex: "0", role: "region", "aria-label": caption }, e("table", { class: "sd-table sd-plain" }, e("caption", { text: caption }),
      e("thead", {}, row(...heads_.map((text, index) => e("th", { scope: "col", class: index ? "sd-number" : "", text })))), e("tbody", {}, ...rows)));

    const describeChanges = (result) => {
      const rows = result.classes.slice(0, 12).map((entry) => {
        const line = row(named(entry), number(entry.before), number(entry.after), number(entry.lost), number(entry.gained));
        line.addEventListener("pointerenter", () => viewer.highlight(entry.id));
        line.addEventListener("pointerleave", () => viewer.highlight(null));
        return line;
      });
      changes.replaceChildren(...(rows.length ? [table("Changes by class, in shares of the photo", ["class", "before", "after", "lost", "gained"], rows)] : []));
      const [attention, area] = [result.byAttention, result.byArea];
      const verdict = attention > area + 0.05 ? "attention foretold the change better than area alone" : attention < area - 0.05 ? "attention foretold the change worse than area alone" : "attention foretold the change no better than area alone";
      told.replaceChildren(...(result.share ? [
        sd.heading("Did attention foretell it?", "By region of the prediction: the share of the attention of what is off that lay there, beside the share of all changed pixels that lie there. Were attention the explanation, the two would agree. What they have in common is the sum of the smaller of the two; beside it the same for area, which knows nothing of attention."),
        e("p", { class: "sd-note-text", text: `Attention and effect have ${sd.percent(attention)} in common, area and effect ${sd.percent(area)}: ${verdict}.` }),
        table("By region of the prediction", ["region", "area", "attention", "effect", "of it changed"], result.regions.map((entry) => row(named(entry), number(entry.area), number(entry.attention), number(entry.effect), number(entry.changed)))),
      ] : []));
    };

    const onCanvas = (run, result) => {
      viewer.setHeat(null);
      const map = result ? { ...run.map, ids: result.ids, entries: result.entryOf } : run.map;
      viewer.setMap(map);
      viewer.setDimHidden(false);
      viewer.setVisible(null);
      if (result && shownView !== "after") viewer.setCompare({ before: run.map.ids, changed: result.changed, entries: run.map.entries, mode: shownView });
    };

    const chip = (key, item, text) => {
      const node = sd.button(`${text} ×`, () => change(key, item), "sd-only");
      node.setAttribute("aria-label", `Switch ${text} on again`);
      return node;
    };
    const labelOf = (run, query) => run.queries.find((entry) => entry.query === query)?.label ?? "";

    /** The controls as the state says. */
    const mark = () => {
      const run = state.get("run");
      if (!run || sd.lacking(run, "decoder_features")) return;
      const { queries, heads: offHeads, layers: offLayers } = state.get("off");
      const query = chosenQuery();
      const layer = chosenLayer();
      layers.input.max = String(run.numLayers - 1);
      layers.set(layer);
      queryButton.textContent = `Switch query ${query} (${labelOf(run, query)}) ${queries.includes(query) ? "on again" : "off"}`;
      layerButton.textContent = `Switch layer ${layer}’s cross-attention ${offLayers.includes(layer) ? "on again" : "off"}`;
      const buttons = Array.from({ length: run.numHeads }, (_, head) => {
        const on = !offHeads.includes(`${layer}.${head}`) && !offLayers.includes(layer);
        const button = e("button", { type: "button", class: "sd-head-switch", role: "switch", "aria-checked": String(on), "aria-label": `Head ${head + 1} of layer ${layer}`, text: `head ${head + 1}` });
        button.disabled = offLayers.includes(layer);
        button.addEventListener("click", () => change("heads", `${layer}.${head}`));
        return button;
      });
      const at = [...heads.children].indexOf(document.activeElement);
      heads.replaceChildren(...buttons);
      if (at >= 0) buttons[Math.min(at, buttons.length - 1)]?.focus({ preventScroll: true });
      for (const option of list.querySelectorAll(".sd-query")) option.classList.toggle("sd-struck", queries.includes(Number(option.dataset.query)));
      const off = [
        ...queries.map((one) => chip("queries", one, `query ${one} (${labelOf(run, one)})`)), ...offLayers.map((one) => chip("layers", one, `layer ${one}`)),
        ...offHeads.map((pair) => chip("heads", pair, `layer ${pair.split(".")[0]}, head ${Number(pair.split(".")[1]) + 1}`)),
      ];
      chips.replaceChildren(...off, ...(off.length > 1 ? [sd.button("All on again", () => state.set({ off: sd.NOTHING_OFF }), "sd-link")] : []));
      view.hidden = chips.hidden = !off.length;
    };

    const draw = async () => {
      const run = state.get("run");
      if (state.get("tab") !== "whatif" || !run || sd.lacking(run, "decoder_features")) return;
      mark();
      view.set(shownView);
      const off = state.get("off");
      app.whatIf = null;
      if (!Object.values(off).some((items) => items.length)) {
        about.textContent = NOBODY;
        changes.replaceChildren();
        told.replaceChildren();
        onCanvas(run, null);
        return;
      }
      about.textContent = "The decoder runs again …";
      const result = await ask(off);
      if (state.get("tab") !== "whatif" || state.get("run") !== run || state.get("off") !== off) return;
      if (!result) {
        about.textContent = "The decoder could not run this time.";
        return;
      }
      app.whatIf = result;
      about.textContent = result.share
        ? `${sd.percent(result.share)} of the pixels change their class. The decoder took ${sd.duration(result.seconds)}.`
        : `No pixel changes its class. The decoder took ${sd.duration(result.seconds)}.`;
      describeChanges(result);
      onCanvas(run, result);
    };

    const showRanking = (rows) => {
      const most = Math.max(...rows.map(({ changed }) => changed), 1e-9);
      const moving = rows.filter(({ changed }) => changed > 0);
      rankWords.textContent = `${moving.length} of ${rows.length} queries change a pixel when switched off alone. A press switches just that one off.`;
      ranks.replaceChildren(...moving.map((entry) => e("div", { role: "listitem" }, sd.legendRow(app, {
        ...entry, id: entry.id, label: `query ${entry.query}: ${entry.label}`, number: sd.percent(entry.changed), share: entry.changed / most,
        title: `Without query ${entry.query} ${sd.percent(entry.changed)} of the pixels change their class; it decided ${sd.percent(entry.won)} of them`,
        onSelect: () => state.set({ query: entry.query, off: { ...sd.NOTHING_OFF, queries: [entry.query] } }),
      }))));
    };
    const rank = () => app.guard(async () => {
      const run = state.get("run");
      if (!run || ranking) return;
      const mine = client.run(() => client.call("start_ranking", { token: run.token }), ({ text, fraction }) => {
        rankWords.textContent = text;
        if (fraction !== null && fraction !== undefined) bar.value = fraction;
      });
      ranking = mine;
      rankButton.disabled = true;
      stopButton.hidden = bar.hidden = false;
      bar.value = 0;
      try {
        const message = await mine.done;
        if (state.get("run") !== run) return;
        if (message) showRanking(message.ranking);
        else rankWords.textContent = "Cancelled.";
      } catch (error) {
        rankWords.textContent = "";
        throw error;
      } finally {
        ranking = null;
        rankButton.disabled = false;
        stopButton.hidden = bar.hidden = true;
      }
    });

    state.on(["run"], () => {
      ranking?.cancel();
      ranks.replaceChildren();
      changes.replaceChildren();
      told.replaceChildren();
      rankWords.textContent = "";
      about.textContent = "";
    });
    state.on(["off"], draw);
    state.on(["query", "layer"], () => state.get("tab") === "whatif" && mark());
    app.drawWhatIf = draw;
  };

  const show = (app) => app.drawWhatIf();

  sd.tabs.push({ id: "whatif", title: "What if", question: "Why", needs: "decoder_features", build, show, asks: true });
})((window.segdemo ??= {}));
