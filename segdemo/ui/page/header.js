// The header: which checkpoint, at which input size, on what device, how long it took.
((sd) => {
  "use strict";

  const SIZES = [
    ["checkpoint", "checkpoint's own"], ["paper", "paper: short side 640"], ["320", "short side 320"],
    ["480", "short side 480"], ["960", "short side 960"],
  ];

  sd.buildHeader = (app, shell, { rerun, cancelButton }) => {
    const { state, config } = app;
    const checkpoints = sd.select({
      label: "Checkpoint", value: config.checkpoint,
      options: config.checkpoints.map(({ id, title }) => [id, title]),
      onChange: (checkpoint) => {
        state.set({ checkpoint });
        describe();
        rerun({ keepSelection: false });
      },
    });
    const sizes = sd.select({
      label: "Input size", options: SIZES, value: "checkpoint",
      onChange: (size) => {
        state.set({ size });
        rerun({ keepSelection: true });
      },
    });
    shell.setup.append(checkpoints, sizes);

    const describe = () => {
      const chosen = config.checkpoints.find(({ id }) => id === state.get("checkpoint"));
      shell.notice.replaceChildren(sd.element("span", { text: chosen.note }));
      if (chosen.known) {
        const list = sd.element("span", { class: "sd-known", text: `It knows ${chosen.known.length} of its ${chosen.classes} classes: ${chosen.known.join(", ")}.` });
        list.hidden = true;
        const more = sd.button("Which classes?", () => {
          list.hidden = !list.hidden;
          more.setAttribute("aria-expanded", String(!list.hidden));
        }, "sd-link");
        more.setAttribute("aria-expanded", "false");
        shell.notice.append(" ", more, list);
      }
      if (chosen.hint) {
        const hint = sd.element("span", { class: "sd-known", text: chosen.hint });
        hint.hidden = true;
        const how = sd.button("How to run the real one", () => {
          hint.hidden = !hint.hidden;
          how.setAttribute("aria-expanded", String(!hint.hidden));
        }, "sd-link");
        how.setAttribute("aria-expanded", "false");
        shell.notice.append(" ", how, hint);
      }
    };

    const facts = sd.element("span", { class: "sd-facts-text" });
    const detail = sd.element("table", { class: "sd-times" });
    const times = sd.element("details", { class: "sd-facts-more" }, sd.element("summary", {}, facts), detail);
    shell.facts.append(times, cancelButton);
    const showFacts = () => {
      const run = state.get("run");
      if (!run) {
        facts.textContent = config.engine;
        detail.replaceChildren();
        return;
      }
      const total = run.seconds.total;
      facts.textContent = `${run.device} · ${run.engine} ${run.precision} · ${sd.duration(total)}`;
      detail.replaceChildren(
        ...Object.entries(run.seconds).map(([name, seconds]) =>
          sd.element("tr", {}, sd.element("th", { scope: "row", text: name }), sd.element("td", { class: "sd-number", text: sd.duration(seconds) }))),
        sd.element("tr", {}, sd.element("th", { scope: "row", text: "photo" }),
          sd.element("td", { class: "sd-number", text: `${run.imageSize[1]} × ${run.imageSize[0]}` })),
        sd.element("tr", {}, sd.element("th", { scope: "row", text: "network input" }),
          sd.element("td", { class: "sd-number", text: `${run.inputSize[1]} × ${run.inputSize[0]}` })));
    };
    state.on(["run"], showFacts);
    describe();
    showFacts();

    shell.footer.append(
      sd.element("span", { text: `Photos stay in this server's memory for at most ${config.keptMinutes} minutes after their last use, are seen by nobody else, and are never written to disk.` }));
  };

  /** Opacity, outlines, hatching, downloads: below the canvas, for all tabs. */
  sd.buildTools = (app) => {
    const { state, tools } = app;
    const opacity = sd.slider({
      label: "Opacity", min: 0, max: 1, step: 0.01, value: state.get("opacity"),
      format: (value) => `${Math.round(value * 100)} %`, onInput: (value) => state.set({ opacity: value }),
    });
    state.on(["opacity"], () => opacity.set(state.get("opacity")));
    const outlines = sd.check({ label: "Outlines", checked: state.get("outlines"), onChange: (on) => state.set({ outlines: on }) });
    const hatching = sd.check({ label: "Hatch stuff", checked: state.get("hatching"), onChange: (on) => state.set({ hatching: on }) });
    hatching.title = "Stuff (sky, road: not countable) gets hatching, things (cars, people) stay plain: a sign besides colour.";
    tools.append(opacity, outlines, hatching);
  };
})((window.segdemo ??= {}));
