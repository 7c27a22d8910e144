// Compare: two results of one photo on linked canvases, how far they agree, and which of them is right.
((sd) => {
  "use strict";

  const REST_MS = 200;
  const KEPT = 6;

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client, viewer } = app;
    const kept = { run: null, found: new Map(), lastRun: null };
    const order = { by: "first", down: true };
    let running = null;
    let timer = null;
    let other = null;
    let unlink = null;
    let mask = null;

    const by = sd.select({ label: "Compare by", options: [], onChange: (key) => state.set({ comparedBy: key, sideA: null, sideB: null, pairPixels: null }) });
    const side = (key) => sd.select({ label: key === "sideA" ? "A" : "B", options: [], onChange: (value) => {
      const { values } = sd.comparedSides(app);
      const [mine, theirs] = key === "sideA" ? [0, 1] : [1, 0];
      // What the other side has goes to this one's place, so that two are always compared.
      const left = value === values[theirs] ? values[mine] : values[theirs];
      state.set({ comparedBy: sd.comparedSides(app).by, [key]: value, [key === "sideA" ? "sideB" : "sideA"]: left, pairPixels: null });
    } });
    const [first, second] = [side("sideA"), side("sideB")];
    const swap = sd.button("Swap A and B", () => app.swapSides());
    swap.title = "Swap A and B (x)";
    const stop = sd.button("Cancel", () => running?.job.cancel(), "sd-cancel");
    const again = sd.button("Compare", () => measure());
    const status = e("p", { class: "sd-note-text", role: "status" });
    const progress = e("div", { class: "sd-row sd-evaluating", hidden: true }, status, stop, again);
    const views = sd.segmented({ label: "What the canvas shows", value: "two", options: sd.COMPARE_CANVASES, onChange: (key) => state.set({ compareView: key }) });
    const shownText = e("span", {});
    const shown = e("p", { class: "sd-flag sd-shown-pixels", role: "status", hidden: true }, shownText, " ", sd.button("Show all", () => state.set({ pairPixels: null }), "sd-link"));
    const numbers = e("div", { class: "sd-numbers" });
    const results = e("div", { class: "sd-results", hidden: true }, views, shown, numbers);
    const save = (kind) => async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        await app.guard(async () => {
          const message = await client.run(() => client.call("start_comparison_file", { ...sd.comparedArguments(app, sd.comparedSides(app)), kind }), () => {}).done;
          if (message) sd.saveFile(message.file);
        });
      } finally {
        button.disabled = false;
      }
    };
    const downloads = e("div", { class: "sd-downloads", hidden: true },
      sd.heading("Download", "The difference map is a palette PNG at the photo's own size: 0 the same class, 1 different, 2 different with a class that one side does not know. The table is CSV, with pixels and shares. This view is what the canvas shows now."),
      e("div", { class: "sd-row" }, sd.button("Difference map", save("map")), sd.button("Table", save("csv")), sd.button("This view", () => sd.saveView(app))));
    panel.append(
      sd.heading("Two results of one photo", "A is what this page shows unless you choose otherwise, B what you compare it with. Zoom, pan, pointer and selection are linked. Maps are semantic and not refined unless that is what is compared. Classes of different checkpoints are matched by name."),
      e("div", { class: "sd-compared" }, e("div", { class: "sd-compared-by" }, by, swap), first, second), progress, results, downloads);

    /** The second canvas stands beside the first one, and is made when it is first needed. */
    const place = e("div", { class: "sd-canvas sd-canvas-beside", hidden: true });
    app.root.querySelector(".sd-canvas").after(place);
    const beside = () => {
      if (other) return other;
      other = sd.createViewer(place, {
        dropZone: place,
        legend: e("div", {}),
        onPick: ({ x, y }) => state.get("run") && !state.get("busy") && state.set({ pixel: { x, y, picked: true }, query: sd.queryAt(state.get("run"), x, y) }),
        onClear: () => app.clearSelection(),
        onView: ({ opacity }) => opacity !== undefined && state.set({ opacity }),
      });
      return other;
    };
    const look = () => {
      if (!other) return;
      other.setOpacity(state.get("opacity"));
      other.setOutlines(state.get("outlines"));
      other.setHatching(state.get("hatching"));
      other.setPixel(state.get("pixel") && { x: state.get("pixel").x, y: state.get("pixel").y });
    };
    /** Show one canvas or two. */
    const arrange = () => {
      const two = state.get("tab") === "compare" && Boolean(state.get("run")) && sd.compareCanvas(state) === "two";
      place.hidden = !two;
      app.root.classList.toggle("sd-two", two);
      if (two) {
        const run = state.get("run");
        beside().setPhoto({ ...run.photo, alt: run.name, keepView: true });
        look();
        unlink ??= sd.linkViewers(viewer, other);
      } else {
        unlink?.();
        unlink = null;
        viewer.setName(null);
      }
      app.beside = two ? other : null;
    };

    const keyOf = (sides) => JSON.stringify([sd.comparedArguments(app, sides), state.get("labelsVersion")]);
    /** What was found of what the state asks for, if it is there. */
    const current = () => {
      const sides = sd.comparedSides(app);
      const found = state.get("comparison");
      return sides && found && found.key === keyOf(sides) ? found : null;
    };
    const open = (which) => state.set({ pairPixels: JSON.stringify(which) === JSON.stringify(state.get("pairPixels")) ? null : which });
    const highlight = (id) => {
      viewer.highlight(id);
      app.beside?.highlight(id);
    };
    const mark = () => {
      const which = state.get("pairPixels")?.join(",") ?? null;
      for (const button of panel.querySelectorAll("[data-pixels]")) button.setAttribute("aria-pressed", String(button.dataset.pixels === which));
    };

    const accept = (found) => {
      const { run, found: all } = kept;
      all.delete(found.key);
      all.set(found.key, found);
      if (all.size > KEPT) all.delete(all.keys().next().value);
      if (state.get("run") === run) state.set({ comparison: found });
    };
    const measure = () => app.guard(async () => {
      clearTimeout(timer);
      const run = state.get("run");
      if (state.get("tab") !== "compare" || !run || run.preview) return;
      if (kept.run !== run) Object.assign(kept, { run, found: new Map(), lastRun: null });
      const sides = sd.comparedSides(app);
      const key = keyOf(sides);
      if (running?.key === key) return;
      running?.job.cancel();
      running = null;
      if (kept.found.has(key)) {
        progress.hidden = true;
        results.classList.remove("sd-stale");
        accept(kept.found.get(key));
        return;
      }
      const asked = sd.comparedArguments(app, sides);
      const show = (message) => {
        status.textContent = `${message.text} …`;
        viewer.setProgress({ text: null, fraction: message.fraction ?? null });
      };
      const job = client.run(() => client.call("start_comparison", asked), (message) => running?.job === job && show(message));
      running = { key, job };
      progress.hidden = stop.hidden = false;
      again.hidden = true;
      show({ text: sd.needsRun(sides.by) ? "Running the photo once more" : "Comparing" });
      results.classList.add("sd-stale");
      downloads.hidden = true;
      let ending = "This was stopped.";
      try {
        const message = await job.done;
        if (running?.job !== job) return;
        if (message) {
          const answer = await sd.decodeComparison(message.comparison);
          if (running?.job !== job) return;
          if (answer.ran && kept.lastRun === JSON.stringify(answer.sides)) app.say("The second run had to make room on the server. It was computed again.", "info");
          if (sd.needsRun(sides.by)) kept.lastRun = JSON.stringify(answer.sides);
          ending = null;
          accept({ ...answer, key, by: sides.by, names: sides.names });
        }
      } catch (error) {
        if (!(error instanceof sd.ServerError)) throw error;
        ending = error.message;
      } finally {
        if (running?.job === job) {
          running = null;
          viewer.setProgress(null);
          progress.hidden = ending === null;
          status.textContent = ending ?? "";
          stop.hidden = true;
          again.hidden = false;
          results.classList.toggle("sd-stale", ending !== null);
        }
      }
    });
    const soon = () => {
      clearTimeout(timer);
      if (state.get("tab") === "compare" && state.get("run")) timer = setTimeout(measure, REST_MS);
    };

    const draw = () => {
      const run = state.get("run");
      if (state.get("tab") !== "compare" || !run) return;
      arrange();
      const canvas = sd.compareCanvas(state);
      const found = current();
      const which = found ? state.get("pairPixels") : null;
      if (which && (mask?.which !== which || mask.of !== found)) mask = { which, of: found, data: sd.pairMask(found, which) };
      const only = which ? mask.data : null;
      views.set(canvas);
      shown.hidden = !only;
      if (only) shownText.textContent = `Shown: ${sd.pairWords(found, which)} (${sd.percent(only.reduce((sum, one) => sum + one, 0) / only.length)} of the photo).`;
      mark();
      const put = (on, map) => {
        on.setHeat(null);
        on.setMap(map);
        on.setDimHidden(Boolean(only));
        on.setVisible(only && map ? new Set(map.entries.keys()) : null);
      };
      const names = sd.comparedSides(app).names;
      if (canvas === "two") {
        viewer.setName(`A: ${names[0]}`);
        other.setName(`B: ${names[1]}`);
        put(viewer, found ? sd.sideMap(found, 0, only) : run.map);
        put(other, found && sd.sideMap(found, 1, only));
        return;
      }
      viewer.setName(null);
      if (!found) put(viewer, run.map);
      else if (canvas === "difference") put(viewer, sd.differenceMap(found, only, which));
      else {
        const [before, after] = [0, 1].map((one) => sd.sideMap(found, one, only));
        put(viewer, { ...after, words: before.words });
        viewer.setCompare({ mode: "split", before: before.ids, entries: before.entries, names: ["A", "B"] });
      }
    };
    const fillChoices = () => {
      const sides = sd.comparedSides(app);
      if (!sides) return;
      by.setOptions(sides.ways, sides.by);
      first.setOptions(sides.options, sides.values[0]);
      second.setOptions(sides.options, sides.values[1]);
    };
    const factsOf = (found) => found.sides.map((one, which) => {
      const took = sd.needsRun(found.by) && one.seconds ? `, forward pass ${sd.duration(one.seconds)}` : "";
      const told = one.task ? `, told ${one.task}` : "";
      return e("p", { class: "sd-help", text: `${"AB"[which]}: ${one.checkpoint}${told}, input ${one.inputSize[1]} × ${one.inputSize[0]}, ${one.engine} ${one.precision} on ${one.device}${took}.` });
    });
    const fill = () => {
      fillChoices();
      const found = current();
      results.hidden = !state.get("run");
      numbers.hidden = downloads.hidden = !found;
      if (!found) return draw();
      const context = { found, open, mark, highlight, order };
      const unmatched = sd.unmatchedWords(found);
      numbers.replaceChildren(
        sd.agreementLine(context), ...(unmatched ? [e("p", { class: "sd-flag sd-unmatched", text: unmatched })] : []),
        sd.heading("By class", "Shares of the photo, and intersection over union: pixels that have the class in both, over those that have it in either. A class opens its pixels; in Difference it shows what is in both and in one alone."),
        sd.agreementTable(context),
        sd.heading("Which is right?", "Both sides against the labels of the photo, as in Evaluate: give labels there. Of every wrong pixel the cause is told, going backwards from the result, and what changed from A to B."),
        ...(found.scores ? [sd.scoreTable(context), ...sd.outcomeTables(context)] : [e("p", { class: "sd-note-text", text: found.none })]),
        ...factsOf(found));
      return draw();
    };

    app.swapSides = () => {
      const sides = sd.comparedSides(app);
      if (!sides) return;
      const which = state.get("pairPixels");
      state.set({ comparedBy: sides.by, sideA: sides.values[1], sideB: sides.values[0], pairPixels: which && ["same", "different", "unmatched"].includes(which[0]) ? which : null });
    };
    app.drawComparison = () => {
      fill();
      measure();
    };
    app.comparisonLegend = () => {
      const found = current();
      if (!found) return [];
      const only = state.get("pairPixels") ? mask?.data ?? null : null;
      if (sd.compareCanvas(state) === "difference") {
        return [...sd.differenceMap(found, only, state.get("pairPixels")).entries.values()].map(({ color, label, area }) => ({ color, text: `${label}  ${sd.percent(area)}` }));
      }
      return found.classes.map(({ color, label, first: a, second: b }) => ({ color, text: `${label}  A ${sd.percent(a)}, B ${sd.percent(b)}` }));
    };

    state.on(["run", "tab"], arrange);
    state.on(["run"], () => running?.job.cancel());
    state.on(["comparedBy", "sideA", "sideB", "thresholds", "refined", "off", "labelsVersion", "run", "comparison"], () => state.get("tab") === "compare" && fill());
    state.on(["comparedBy", "sideA", "sideB", "labelsVersion", "run"], soon);
    state.on(["pairPixels", "compareView"], draw);
    state.on(["opacity", "outlines", "hatching", "pixel"], look);
    window.matchMedia("(width < 900px)").addEventListener("change", draw);
    fillChoices();
  };

  const show = (app) => app.drawComparison();

  const legend = (app) => app.comparisonLegend();

  sd.tabs.push({ id: "compare", title: "Compare", question: "Right?", build, show, legend });
})((window.segdemo ??= {}));
