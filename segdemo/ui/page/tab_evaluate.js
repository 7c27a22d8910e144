// Evaluate: the photo against its labels; every number opens its pixels on the canvas.
((sd) => {
  "use strict";

  const REST_MS = 350;
  const ABOUT = {
    right: "Each pixel against its label: right, wrong, or without a label.",
    kinds: "A wrong pixel is the first of these that holds: part of a thing that was missed, or of one that was invented; in the boundary band, within its width of a true border; or a wrong class inside a region.",
    causes: "Going backwards from the result, the first cause that holds: refinement changed what was right; the panoptic thresholds dropped it; in the last layer a query of the right class covers the pixel (mask probability at least 50 %) and lost the vote; a query covers it with another class; no query that names a class covers it. The shares add up to all wrong pixels.",
    lost: "The last prediction in which the pixel was still right, from the initial one (0) to the last layer, of the semantic map without refinement.",
  };

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client, viewer } = app;
    let running = null;
    let timer = null;
    let mask = null;
    const unfolded = new Set(["classes"]);

    const stop = sd.button("Cancel", () => running?.job.cancel(), "sd-cancel");
    const again = sd.button("Evaluate", () => measure());
    const status = e("p", { class: "sd-note-text", role: "status" });
    const progress = e("div", { class: "sd-row sd-evaluating", hidden: true }, status, stop, again);
    const emptyText = e("p", {});
    const examples = e("div", { class: "sd-row" });
    const empty = e("div", { class: "sd-empty-result sd-controls", hidden: true }, emptyText, examples);
    const views = sd.segmented({ label: "What the canvas shows", value: "right", options: sd.ERROR_VIEWS, onChange: (key) => state.set({ errorView: key, shownPixels: null }) });
    views.classList.add("sd-error-views");
    const shownText = e("span", {});
    const clear = sd.button("Show all", () => state.set({ shownPixels: null }), "sd-link");
    const shown = e("p", { class: "sd-flag sd-shown-pixels", role: "status", hidden: true }, shownText, " ", clear);
    const legendTitle = e("div", {});
    const legend = e("div", { class: "sd-legend-list", role: "group", "aria-label": "What the colours mean" });
    const judged = sd.segmented({ label: "What is judged", value: "semantic", options: [["semantic", "Semantic map"], ["panoptic", "Panoptic segments"]], onChange: (key) => state.set({ judging: key }) });
    const refinedNote = e("p", { class: "sd-help" });
    const band = sd.slider({ label: "Boundary band", min: 1, max: 20, step: 1, value: sd.EVALUATION.bandWidth, format: (value) => `${value} px`, help: "So far from a true border, in pixels of the photo, an error counts as one of the outline.", onInput: (value) => state.set({ bandWidth: value }) });
    const numbers = e("div", { class: "sd-numbers" });
    const labels = sd.buildLabels(app, { changed: () => {
      state.set({ shownPixels: null, labelsVersion: state.get("labelsVersion") + 1 });
      measure();
    } });
    const results = e("div", { class: "sd-results", hidden: true }, views, shown, legendTitle, legend, band,
      sd.heading("Judged", "The semantic map as the Semantic tab shows it, or the classes of the Panoptic tab's segments under its thresholds; with refinement where that is switched on there."), judged, refinedNote, numbers);
    const save = (kind) => async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      await app.guard(async () => {
        const message = await client.run(() => client.call("start_evaluation_file", { ...asked(), kind }), () => {}).done;
        if (message) sd.saveFile(message.file);
      });
      button.disabled = false;
    };
    const downloads = e("div", { class: "sd-downloads", hidden: true },
      sd.heading("Download", "The error map is a palette PNG at the photo's own size: 0 no label, 1 right, 2 boundary, 3 missed, 4 invented, 5 inside. The numbers are all that is shown here, as JSON. This view is what the canvas shows now."),
      e("div", { class: "sd-row" }, sd.button("Error map", save("map")), sd.button("Numbers", save("json")), sd.button("This view", () => sd.saveView(app))));
    panel.append(sd.heading("Is it right?", "The result against the labels of the photo. Choose a number to see its pixels; choose it again, or press Esc, to see all."),
      progress, empty, results, labels, downloads);

    const said = e("p", { class: "sd-pixel-error", "aria-live": "polite", hidden: true });
    app.pixelCard.querySelector(".sd-pixel-body").before(said);

    const asked = () => ({
      token: state.get("run").token, judged: state.get("judging"), width: state.get("bandWidth"),
      ...state.get("thresholds"), ...sd.refinementOf(app, state.get("judging")),
    });
    const keyOf = () => JSON.stringify([asked(), state.get("labelsVersion")]);
    /** All that is asked but the boundary band's width, on which next to nothing depends. */
    const restOf = () => JSON.stringify([{ ...asked(), width: null }, state.get("labelsVersion")]);
    const fresh = () => {
      const found = state.get("evaluation");
      return found && !found.moved && state.get("run") && found.key === keyOf() ? found : null;
    };
    /** What was measured of the photo on screen, perhaps with other settings: it stays until the next is there. */
    const current = () => (state.get("evaluation")?.token === state.get("run")?.token ? state.get("evaluation") : null);

    const open = (which) => {
      const same = JSON.stringify(which) === JSON.stringify(state.get("shownPixels"));
      state.set({ shownPixels: same ? null : which });
    };

    const measure = () => app.guard(async () => {
      clearTimeout(timer);
      const run = state.get("run");
      if (!run || state.get("tab") !== "evaluate" || fresh()) return;
      const key = keyOf();
      const rest = restOf();
      if (running?.key === key) return;
      running?.job.cancel();
      // The numbers at first; while nothing runs the button asks for them again.
      // What the decoder layers say takes longest, and comes after the rest.
      const job = client.run(() => client.call("start_evaluation", asked()), (message) => {
        if (running?.job === job) status.textContent = `${message.text} …`;
      }, async (early) => {
        const found = await sd.decodeEvaluation(early);
        if (running?.job !== job || state.get("run") !== run) return;
        state.set({ evaluation: { ...found, key: null, rest, token: run.token } });
        results.classList.remove("sd-stale");
      });
      running = { key, job };
      // A band that was moved is on the canvas already.
      progress.hidden = current()?.rest === rest;
      status.textContent = "Comparing with the labels …";
      stop.hidden = false;
      again.hidden = true;
      results.classList.toggle("sd-stale", current()?.rest !== rest);
      let done = false;
      try {
        const message = await job.done;
        if (running?.job !== job) return;
        done = Boolean(message);
        if (message && state.get("run") === run) {
          const found = await sd.decodeEvaluation(message.evaluation);
          if (running?.job === job) state.set({ evaluation: { ...found, key, rest, token: run.token } });
          labels.giveAgain(found.labels);
        }
      } finally {
        if (running?.job === job) {
          running = null;
          progress.hidden = done;
          status.textContent = "This was stopped.";
          stop.hidden = true;
          again.hidden = false;
          results.classList.toggle("sd-stale", !done && current()?.rest !== rest);
        }
      }
    });
    const soon = () => {
      clearTimeout(timer);
      if (state.get("tab") === "evaluate" && state.get("run")) timer = setTimeout(measure, REST_MS);
    };

    /** Fetch the pixels of the number that is open, and put them on the canvas. */
    const fetchPixels = () => app.guard(async () => {
      const which = state.get("shownPixels");
      const found = current();
      if (!which || !found || found.none) return;
      try {
        const answer = await client.callLatest("pixels", "evaluation_pixels", { ...asked(), pixels: which });
        if (!answer || state.get("shownPixels") !== which) return;
        mask = { which, of: found, data: await sd.unpack(answer.mask), pixels: answer.pixels };
        draw();
      } catch (error) {
        if (state.get("shownPixels") === which) state.set({ shownPixels: null });
        throw error;
      }
    });

    /** The view that is on the canvas: where its pixels have a kind or a cause they keep its colours, else right and wrong. */
    const viewOf = (found) => {
      const view = state.get("errorView");
      const which = state.get("shownPixels");
      const chosen = sd.hasErrorView(found, view) ? view : "right";
      return which && { kind: "kinds", cause: "causes", lost: "lost" }[which[0]] !== chosen ? "right" : chosen;
    };
    const draw = () => {
      const found = current();
      if (state.get("tab") !== "evaluate" || !state.get("run")) return;
      if (!found || found.none) {
        viewer.setMap(sd.currentMap(app));
        viewer.setDimHidden(false);
        viewer.setVisible(null);
        return;
      }
      const which = state.get("shownPixels");
      const ready = which && mask?.which === which && mask.of === found ? mask : null;
      const view = viewOf(found);
      const map = sd.errorMap(found, view, ready?.data ?? null);
      viewer.setMap(map);
      const dimmed = view !== "right" || Boolean(ready);
      viewer.setDimHidden(dimmed);
      viewer.setVisible(dimmed ? new Set(map.entries.keys()) : null);
      shown.hidden = !ready;
      if (ready) shownText.textContent = `Shown: ${sd.pixelWords(found, which)} (${sd.pixelCount(ready.pixels)}).`;
    };
    app.drawEvaluation = () => {
      draw();
      measure();
    };
    app.errorLegend = () => {
      const found = current();
      if (!found || found.none) return [];
      return [...sd.errorMap(found, viewOf(found), state.get("shownPixels") && mask?.of === found ? mask.data : null).entries.values()]
        .map(({ color, label, area }) => ({ color, text: `${label}  ${sd.percent(area)}` }));
    };

    const mark = () => {
      const which = state.get("shownPixels")?.join(",") ?? null;
      for (const button of panel.querySelectorAll("[data-pixels]")) button.setAttribute("aria-pressed", String(button.dataset.pixels === which));
    };
    /** Segments are judged where there are any. */
    const fitJudged = () => {
      const none = Boolean(sd.lacking(state.get("run"), "queries"));
      judged.hidden = none;
      if (none && state.get("judging") === "panoptic") state.set({ judging: "semantic" });
    };
    state.on(["run", "judging"], fitJudged);
    const fillLegend = (found) => {
      const { figures } = found;
      const view = sd.hasErrorView(found, state.get("errorView")) ? state.get("errorView") : "right";
      const all = figures.right_pixels + figures.wrong_pixels + figures.ignored_pixels;
      const counts = {
        right: () => ({ right: figures.right_pixels, wrong: figures.wrong_pixels, ignored: figures.ignored_pixels }),
        kinds: () => Object.fromEntries(figures.errors.kinds.map(({ kind, pixels }) => [kind, pixels])),
        causes: () => Object.fromEntries(figures.causes.map(({ cause, pixels }) => [cause, pixels])),
        lost: () => Object.fromEntries(figures.lost_at.map(({ layer, pixels }) => [layer < 0 ? "never" : String(layer), pixels])),
      }[view]();
      const of = view === "right" ? all : figures.wrong_pixels;
      legendTitle.replaceChildren(sd.heading(view === "right" ? "Share of the photo" : "Share of what is wrong", ABOUT[view]));
      legend.replaceChildren(...sd.errorRows(found, view).filter(({ key }) => counts[key]).map(({ id, key, name, help, color, hatched, which }) => {
        const part = counts[key] / of;
        const row = sd.legendRow(app, {
          id, label: name, color, isthing: !hatched, number: sd.percent(part), share: part, onSelect: () => open(which),
          title: `${help ?? name} ${sd.pixelCount(counts[key])}. Choose it to show just these.`,
        });
        row.dataset.pixels = which.join(",");
        return row;
      }), ...(legend.hidden || of === 0 ? [e("p", { class: "sd-note-text", text: "Nothing is wrong." })] : []));
      band.hidden = view !== "kinds";
      views.set(view);
      for (const [key] of sd.ERROR_VIEWS) {
        const option = views.querySelector(`input[value=${key}]`);
        option.hidden = option.nextElementSibling.hidden = !sd.hasErrorView(found, key);
      }
    };
    const fill = () => {
      const found = current();
      const none = Boolean(found?.none);
      empty.hidden = !none;
      results.hidden = downloads.hidden = !found || none;
      labels.show(found?.labels ?? null);
      labels.hidden = !state.get("run");
      if (none) {
        emptyText.textContent = found.none;
        const drawn = app.config.examples.filter((example) => example.drawn).slice(0, 3);
        examples.replaceChildren(...drawn.map(({ id, title }) => sd.button(`Example: ${title}`, () => app.openExample(id))));
        draw();
        return;
      }
      if (!found) return;
      const on = "refine" in sd.refinementOf(app, state.get("judging"));
      refinedNote.textContent = [on ? "With the refinement that is switched on." : "", ...new Set([found.figures.no_panoptic, found.figures.no_causes, found.figures.no_layers])].filter(Boolean).join(" ");
      fillLegend(found);
      const context = { evaluation: found, open: (which) => openAndLook(found, which), mark };
      numbers.replaceChildren(sd.headNumbers(context), ...sd.numberParts(context, unfolded));
      mark();
      draw();
      fetchPixels();
    };
    /** A suspect is a small place: the canvas goes there. */
    const openAndLook = (found, which) => {
      open(which);
      if (which[0] !== "suspect") return;
      const { bbox: [x, y, width, height], point: [row, column] } = found.figures.suspects[which[1]];
      const [high, wide] = state.get("run").imageSize;
      viewer.lookAt({ x: (x + width / 2) / wide, y: (y + height / 2) / high, zoom: Math.min(wide / width, high / height) / 3 });
      state.set({ pixel: { x: (column + 0.5) / wide, y: (row + 0.5) / high } });
    };

    /** What is said of the picked pixel stands first in its card. */
    const tell = async () => {
      const [run, pixel, found] = [state.get("run"), state.get("pixel"), current()];
      said.hidden = true;
      if (!run || !pixel || !found || found.none || state.get("tab") !== "evaluate") return;
      const answer = await app.guard(() => client.callLatest("error pixel", "error_pixel", { ...asked(), x: pixel.x, y: pixel.y }));
      if (!answer || state.get("pixel") !== pixel || state.get("tab") !== "evaluate" || current() !== found) return;
      said.textContent = answer.sentence;
      said.hidden = false;
    };

    state.on(["evaluation", "run"], fill);
    state.on(["run"], () => {
      running?.job.cancel();
    });
    state.on(["errorView"], () => {
      const found = current();
      if (!found || found.none) return;
      fillLegend(found);
      mark();
      draw();
    });
    state.on(["shownPixels"], () => {
      mark();
      if (!state.get("shownPixels")) draw();
      fetchPixels();
    });
    /** The band is moved on the canvas and in the legend at once; what else depends on it follows. */
    const moveBand = () => {
      const found = current();
      if (!found || found.none || found.rest !== restOf()) return;
      state.set({ evaluation: { ...sd.withBand(found, state.get("bandWidth")), key: keyOf(), moved: true } });
    };
    state.on(["bandWidth"], moveBand);
    state.on(["judging", "bandWidth", "thresholds", "refined", "panoptic"], soon);
    state.on(["judging", "bandWidth"], () => {
      judged.set(state.get("judging"));
      band.set(state.get("bandWidth"));
    });
    state.on(["pixel", "tab", "evaluation"], tell);
    fill();
  };

  const show = (app) => app.drawEvaluation();

  const legend = (app) => app.errorLegend();

  sd.tabs.push({ id: "evaluate", title: "Evaluate", question: "Right?", build, show, legend });
})((window.segdemo ??= {}));
