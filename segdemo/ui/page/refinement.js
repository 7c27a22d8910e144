// Refinement: morphology and CRF sliders beside Semantic and Panoptic; always with what they changed.
((sd) => {
  "use strict";

  const MORPHOLOGY = ["morphology", "kernel_size", "kernel_shape", "smallest_region", "largest_hole"];
  const JUDGE_MS = 300;

  /** @type {[string, string, number, number, number, string, string][]} key, label, least, most, step, unit, help */
  const CRF_SLIDERS = [
    ["bilateral_sxy", "Appearance: reach", 5, 160, 5, "px", "How far similar colours pull at each other. Literature: 20 to 160."],
    ["bilateral_srgb", "Appearance: colour", 3, 60, 1, "", "How different colours may be and still count as similar. Literature: 3 to 60."],
    ["bilateral_compat", "Appearance: weight", 0, 20, 1, "", "How strongly similar pixels agree. Literature: 3 to 10."],
    ["gaussian_sxy", "Smoothness: reach", 1, 10, 1, "px", "How far neighbours smooth each other whatever their colour. Literature: 1 to 5."],
    ["gaussian_compat", "Smoothness: weight", 0, 20, 1, "", "How strongly neighbours agree. Literature: 3."],
    ["iterations", "Iterations", 1, 10, 1, "", "Mean-field steps. Literature: 5 to 10."],
  ];

  /** What is switched on for a task, as the arguments that the server takes; empty when nothing is. */
  sd.refinementOf = (app, task) => {
    const options = app.refinement?.[task];
    return options && (options.morphology !== "none" || options.smallest_region > 0 || options.largest_hole > 0 || options.crf)
      ? { refine: { ...options } } : {};
  };

  const decodeMap = async (answer, none) => {
    const entries = new Map(answer.entries.map((entry) => [entry.id, entry]));
    return { width: answer.map.shape[1], height: answer.map.shape[0], ids: await sd.unpack(answer.map), none, entries };
  };

  const asPercentChange = (share) => {
    if (Math.abs(share) < 1e-4) return share > 0 ? "< 0.01 % more" : "< 0.01 % less";
    return `${share > 0 ? "+" : "−"}${sd.percent(Math.abs(share))}`;
  };

  sd.buildRefinement = (app, task) => {
    const e = sd.element;
    const { state, client } = app;
    app.refinement ??= {};
    app.comparison ??= {};
    const names = [...MORPHOLOGY, ...(task === "semantic" ? ["crf", ...CRF_SLIDERS.map(([name]) => name)] : [])];
    const defaults = Object.fromEntries(names.map((name) => [name, app.config.options[name]]));
    const options = { ...defaults };
    app.refinement[task] = options;
    app.comparison[task] = "off";
    const exact = sd.createExact(app, task);
    app.exact = { ...app.exact, [task]: exact };
    let judgeTimer = null;

    const result = e("div", { class: "sd-refined" });
    const compare = sd.segmented({
      label: "Compare with the original", value: "off",
      options: [["off", "Result"], ["split", "Before | after"], ["blink", "Blink"], ["changed", "Changed"]],
      onChange: (mode) => {
        app.comparison[task] = mode;
        if (state.get("tab") === task) sd.tabs.find(({ id }) => id === task).show(app);
      },
    });
    compare.hidden = true;

    const showResult = (refined, how) => {
      compare.hidden = !refined;
      if (!refined) {
        result.replaceChildren();
        return;
      }
      const left = new Set(refined.entries.map((entry) => entry.category_id ?? entry.id));
      const rows = refined.byClass.map(({ id, label, color, isthing, share }) =>
        e("li", {}, sd.chip(color, isthing), e("span", { class: "sd-name", text: left.has(id) ? label : `${label} (gone)` }),
          e("span", { class: "sd-number", text: asPercentChange(share) })));
      result.replaceChildren(
        e("p", {}, e("strong", { text: `${sd.percent(refined.changed)} of the pixels changed` }), ` in ${sd.duration(refined.seconds)}${how}.`),
        ...(refined.grid > 1 ? [e("p", { class: "sd-help", text: `Computed on a grid ${refined.grid} times coarser than the photo.` })] : []),
        e("ul", { class: "sd-changes" }, ...rows),
        ...(refined.truth ? [truthTable(refined.truth)] : []));
    };
    const truthTable = (truth) => {
      const row = (name, key) => {
        const change = truth.after[key] - truth.before[key];
        return e("tr", {}, e("th", { scope: "row", text: name }),
          e("td", { class: "sd-number", text: truth.before[key].toFixed(3) }), e("td", { class: "sd-number", text: truth.after[key].toFixed(3) }),
          e("td", { class: `sd-number ${change < 0 ? "sd-worse" : "sd-better"}`, text: `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)}` }));
      };
      const [button, words] = sd.info("mIoU and boundary F",
        "IoU of a class: pixels that are and were called so, over those that are or were. mIoU: its mean over the classes. Boundary F: how well the outlines meet the true ones, 1 is all of them.");
      return e("table", { class: "sd-table" },
        e("caption", {}, "Against this example's ground truth ", button, words),
        e("thead", {}, e("tr", {}, ...["measure", "before", "after", "change"].map((text, index) => e("th", { scope: "col", text, class: index ? "sd-number" : "" })))),
        e("tbody", {}, row("mIoU", "miou"), row("Boundary F", "boundary_f")));
    };

    const accept = async (answer, how) => {
      const refined = {
        ...answer, classes: answer.entries, map: await decodeMap(answer, 65535),
        comparison: { before: state.get("run").map.ids, entries: state.get("run").map.entries, mask: await sd.unpack(answer.mask) },
      };
      state.set({ refined: { ...state.get("refined"), [task]: refined } });
      showResult(refined, how);
    };
    const clear = () => {
      const rest = { ...state.get("refined") };
      delete rest[task];
      state.set({ refined: Object.keys(rest).length ? rest : null });
      showResult(null);
    };

    const semantic = () => app.guard(async () => {
      clearTimeout(judgeTimer);
      exact.cancel();
      const run = state.get("run");
      if (!run) return;
      const on = sd.refinementOf(app, task);
      if (!on.refine) {
        await client.callLatest("refine", "noop", {});
        clear();
        return;
      }
      const asked = { token: run.token, ...on };
      if (on.refine.crf) app.viewer.setProgress({ text: "Refining (quick version)", fraction: null });
      const answer = await client.callLatest("refine", "refine", asked);
      if (on.refine.crf) app.viewer.setProgress(null);
      if (!answer || state.get("run") !== run || !sd.refinementOf(app, task).refine) return;
      await accept(answer, answer.quick ? " (quick version; the exact one follows when the slider rests)" : "");
      if (answer.quick) exact.follow(asked, (found) => state.get("run") === run && accept(found, " (exact)"));
      else judge(run, on);
    });
    /** Scores against the ground truth follow once the slider rests; an exact answer brings its own. */
    const judge = (run, on) => {
      clearTimeout(judgeTimer);
      if (!run.example) return;
      judgeTimer = setTimeout(() => app.guard(async () => {
        const answer = await client.callLatest("judge", "judge", { token: run.token, ...on });
        const refined = state.get("refined")?.[task];
        if (answer?.truth && refined && state.get("run") === run) showResult({ ...refined, truth: answer.truth }, "");
      }), JUDGE_MS);
    };
    const update = () => (task === "semantic" ? semantic() : app.refreshPanoptic());
    const change = (key) => (value) => {
      options[key] = value;
      update();
    };

    const controls = [
      sd.select({
        label: "Operation", value: "none", onChange: change("morphology"),
        options: [["none", "None"], ["open", "Opening: removes thin parts"], ["close", "Closing: fills thin gaps"],
          ["erode", "Erosion: shrinks"], ["dilate", "Dilation: grows"]],
      }),
      sd.slider({ label: "Kernel", min: 3, max: 41, step: 2, value: defaults.kernel_size, format: (v) => `${v} px`, help: "Diameter of the neighbourhood, in pixels of the photo.", onInput: change("kernel_size") }),
      sd.slider({ label: "Smallest region", min: 0, max: 5000, step: 50, value: 0, format: (v) => (v ? `${v} px` : "off"), help: "Regions with fewer pixels give way to their surroundings.", onInput: change("smallest_region") }),
      sd.slider({ label: "Largest hole", min: 0, max: 5000, step: 50, value: 0, format: (v) => (v ? `${v} px` : "off"), help: "Holes with fewer pixels are filled.", onInput: change("largest_hole") }),
    ];
    const keys = ["morphology", "kernel_size", "smallest_region", "largest_hole"];
    const crfControls = [];
    let resetCrf = () => {};
    if (task === "semantic") {
      const box = e("div", { class: "sd-controls" });
      box.hidden = true;
      const toggle = sd.check({
        label: "Dense CRF", onChange: (on) => {
          box.hidden = !on;
          options.crf = on;
          update();
        },
        help: "Exploratory: lets pixels of similar colour agree on a class. It can help at borders and can hurt thin things; look at what it changed.",
      });
      const sliders = CRF_SLIDERS.map(([key, label, min, max, step, unit, help]) => {
        const slider = sd.slider({ label, min, max, step, value: defaults[key], help, format: (v) => (unit ? `${v} ${unit}` : String(v)), onInput: change(key) });
        slider.reset = () => slider.set(defaults[key]);
        return slider;
      });
      box.append(...sliders);
      const hint = e("p", { class: "sd-help" });
      state.on(["run"], () => {
        hint.textContent = state.get("run")?.crfHint ?? "";
      });
      crfControls.push(toggle, hint, box);
      resetCrf = () => {
        toggle.input.checked = false;
        box.hidden = true;
        sliders.forEach((slider) => slider.reset());
      };
    }
    const reset = sd.button("Reset refinement", () => {
      Object.assign(options, defaults);
      controls.forEach((control, index) => (control.set ? control.set(defaults[keys[index]]) : (control.input.value = "none")));
      resetCrf();
      compare.set("off");
      app.comparison[task] = "off";
      update();
    }, "sd-quiet");

    state.on(["run"], () => {
      clearTimeout(judgeTimer);
      exact.cancel();
      showResult(null);
      if (state.get("run") && task === "semantic" && sd.refinementOf(app, task).refine) update();
    });
    if (task === "panoptic") {
      state.on(["panoptic"], () => {
        const answer = state.get("panoptic");
        const how = answer?.quick ? " (quick version; the exact one follows when the slider rests)" : "";
        showResult(answer?.refined ? { ...answer.refined, entries: answer.segments } : null, how);
      });
    }
    return e("details", { class: "sd-refinement" },
      e("summary", { text: "Refinement" }), result, compare, e("div", { class: "sd-controls" }, ...controls), ...crfControls, exact.stop, reset);
  };

  /** Put the chosen comparison of the refined and the original map on the canvas. */
  sd.showComparison = (app, task) => {
    const mode = app.comparison?.[task] ?? "off";
    const compared = task === "semantic" ? app.state.get("refined")?.semantic?.comparison : app.state.get("panoptic")?.comparison;
    app.viewer.setCompare(compared && mode !== "off" ? { mode, before: compared.before, changed: compared.mask, entries: compared.entries } : null);
  };
})((window.segdemo ??= {}));
