// The header: which checkpoint, at which input size, on what device, how long it took; and the tools below the canvas.
((sd) => {
  "use strict";

  const SIZES = [
    ["checkpoint", "checkpoint's own size"], ["paper", "paper: short side 640"], ["320", "short side 320"],
    ["480", "short side 480"], ["960", "short side 960"],
  ];

  /** What stands in the place of times for a result that is not a run of the visitor's own: text, label, caption. */
  const PREVIEW = ["preview", "This is a preview at low resolution; the full result is being computed", "A preview at low resolution: the full result takes its place"];
  const SHIPPED = ["computed beforehand", "This result was computed beforehand and came with the page. More about it", "It came with the page; the same photo is computed here meanwhile"];

  /** Titles to choose from; where two are alike the id tells them apart. */
  sd.titles = (checkpoints) => checkpoints.map(({ id, title }) => [
    id, checkpoints.some((other) => other.id !== id && other.title === title) ? `${title} (${id.split("/").at(-1)})` : title,
  ]);

  /** A sentence that a link opens below the notice. */
  const more = (container, text, sentence) => {
    const body = sd.element("span", { class: "sd-known", text: sentence });
    body.hidden = true;
    const button = sd.button(text, () => {
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    }, "sd-link");
    button.setAttribute("aria-expanded", "false");
    container.append(" ", button, body);
  };

  sd.buildHeader = (app, shell, { rerun, cancelButton }) => {
    const { state, config } = app;
    const e = sd.element;
    const chooser = (label, key, options) => {
      const select = sd.select({ label, options, value: state.get(key), onChange: (value) => rerun({ [key]: value }) });
      // The menu says what the result on screen was made with, also after a run that was stopped.
      state.on([key, "busy"], () => {
        if (!state.get("busy")) select.input.value = state.get(key);
      });
      return select;
    };
    const [button, text] = sd.info("resizing",
      "The photo is resized to this before the network sees it. More pixels show smaller things and take longer; far from what the network was trained at it gets worse.");
    text.classList.add("sd-setup-note");
    const tasks = [...new Set(config.checkpoints.flatMap((entry) => entry.tasks))];
    const [taskButton, taskText] = sd.info("the task",
      "This network is told what to separate before it looks at the photo. Every task is a run of its own. The results of a photo are kept: choose again to go back and forth between them.");
    taskText.classList.add("sd-setup-note");
    const taskParts = [chooser("Task it is told", "task", tasks.map((task) => [task, task])), taskButton];
    const size = chooser("Input size", "size", SIZES);
    // A network with a grid of its own leaves no choice, and says so in its place.
    const fixed = e("span", { class: "sd-help sd-fixed-size" });
    state.on(["run"], () => {
      const sentence = state.get("run")?.fixedInput ?? "";
      size.hidden = button.hidden = Boolean(sentence) && state.get("size") === "checkpoint";
      fixed.hidden = !sentence;
      fixed.textContent = sentence ? "Input size: the network's own" : "";
      fixed.title = sentence;
    });
    fixed.hidden = true;
    shell.setup.append(
      chooser("Checkpoint", "checkpoint", sd.titles(config.checkpoints)), size, fixed, button, text, ...(tasks.length ? [...taskParts, taskText] : []));

    const describe = () => {
      const chosen = config.checkpoints.find(({ id }) => id === state.get("checkpoint"));
      for (const part of taskParts) part.hidden = !chosen.tasks.length;
      if (!chosen.tasks.length && !taskText.hidden) taskButton.click();
      shell.notice.replaceChildren(e("span", { text: chosen.note }));
      if (chosen.known) more(shell.notice, "Which classes?", `It knows ${chosen.known.length} of its ${chosen.classes} classes: ${chosen.known.join(", ")}.`);
      if (chosen.about) more(shell.notice, "About this checkpoint", chosen.about);
      if (chosen.hint) more(shell.notice, "How to run the published one", chosen.hint);
    };
    state.on(["checkpoint"], describe);

    const facts = e("span", { class: "sd-facts-text" });
    const table = e("table", { class: "sd-times" });
    const times = sd.popover({ label: facts, content: table, kind: "sd-facts-more" });
    shell.facts.append(times, cancelButton);
    const showFacts = () => {
      const run = state.get("run");
      times.hidden = !run;
      if (!run) return;
      const row = (name, value) => e("tr", {}, e("th", { scope: "row", text: name }), e("td", { class: "sd-number", text: value }));
      const sizes = [...(run.task ? [row("task it was told", run.task)] : []), row("photo", `${run.imageSize[1]} × ${run.imageSize[0]}`), row("network input", `${run.inputSize[1]} × ${run.inputSize[0]}`)];
      if (run.preview || run.shipped) {
        const [shown, label, caption] = run.preview ? PREVIEW : SHIPPED;
        facts.textContent = shown;
        times.button.setAttribute("aria-label", label);
        table.replaceChildren(e("caption", { text: caption }), ...sizes);
        return;
      }
      const place = `${run.device} ${run.precision}`;
      if (run.kept) facts.textContent = place;
      else facts.replaceChildren(e("span", { class: "sd-facts-place", text: `${place} · ` }), sd.duration(run.seconds.forward));
      times.button.setAttribute("aria-label", run.kept ? `Runs on ${run.device} in ${run.precision}; computed earlier. Times of that run` : `Runs on ${run.device} in ${run.precision}; the forward pass took ${sd.duration(run.seconds.forward)}. All times of this run`);
      const { forward, ...rest } = run.seconds;
      const others = Object.entries(rest).filter(([name]) => !run.kept || !["waiting", "loading", "total"].includes(name));
      table.replaceChildren(
        e("caption", { text: run.kept ? "Computed earlier, for everybody: nobody waited for it now" : "This run of yours" }),
        row("forward pass", sd.duration(forward)),
        ...others.map(([name, seconds]) => row(name, sd.duration(seconds))),
        row("engine", `${run.engine} ${run.precision} on ${run.device}`),
        ...sizes);
    };
    state.on(["run"], () => {
      showFacts();
      shell.doubt.hidden = !state.get("run")?.doubt;
      shell.doubt.textContent = state.get("run")?.doubt ?? "";
    });
    describe();
    showFacts();

    shell.footer.append(
      e("span", { text: `Photos stay on this server for at most ${config.keptMinutes} minutes after their last use and are seen by nobody else.` }),
      sd.button("Keys (?)", () => app.showKeys(), "sd-link"));
  };

  /** Opacity, outlines, hatching: below the canvas, for all tabs. */
  sd.buildTools = (app) => {
    const { state, tools } = app;
    const opacity = sd.slider({
      label: "Opacity", min: 0, max: 1, step: 0.01, value: state.get("opacity"),
      format: sd.wholePercent, onInput: (value) => state.set({ opacity: value }),
    });
    state.on(["opacity"], () => opacity.set(state.get("opacity")));
    const outlines = sd.check({ label: "Outlines", checked: state.get("outlines"), onChange: (on) => state.set({ outlines: on }) });
    const hatching = sd.check({ label: "Hatch stuff", checked: state.get("hatching"), onChange: (on) => state.set({ hatching: on }) });
    hatching.title = "Stuff (sky, road: not countable) gets hatching, things (cars, people) stay plain: a sign besides colour.";
    // What does nothing on a heatmap is not offered there.
    const fit = () => {
      const tab = state.get("tab");
      outlines.hidden = hatching.hidden = tab === "features" || (tab === "attention" && !sd.lacking(state.get("run"), "attention"));
    };
    state.on(["tab", "run"], fit);
    fit();
    tools.prepend(opacity, outlines, hatching);
  };
})((window.segdemo ??= {}));
