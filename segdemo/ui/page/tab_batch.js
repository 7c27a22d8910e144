// Batch: many photos, or a ZIP of them, one after the other on the server; a gallery that opens each, and one ZIP of all.
((sd) => {
  "use strict";

  const ABOUT = "Every photo gets the files that the command line writes for it: the id map, the segments as JSON for panoptic results, and the overlay; with a table of all photos, one of those that failed, and a manifest with the settings and the hash of each photo. Thresholds, refinement and the way masks are drawn are those of the Semantic and Panoptic tabs, checkpoint and input size those above. Photos take turns with those of other visitors.";
  const GONE = "These photos are no longer kept on the server: add them again.";
  const isZip = (file) => /\.zip$/i.test(file.name);
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

  const build = (app, panel) => {
    const e = sd.element;
    const { state, client, config } = app;
    const limits = config.batch;
    /** The server's name for this batch, how many photos it has, and how many entries are in the gallery. */
    let batch = null;
    let photos = 0;
    let seen = 0;
    let failed = 0;
    let job = null;
    let busy = false;
    let task = "semantic";

    const input = e("input", { type: "file", multiple: "", accept: "image/*,.zip,application/zip", class: "sd-hidden", tabindex: "-1", "aria-label": "Choose photos, or a ZIP of them" });
    const choose = sd.button("Add photos or a ZIP", () => input.click(), "sd-primary");
    const remove = sd.button("Remove all", () => clear());
    const held = e("p", { class: "sd-note-text", role: "status" });
    const drop = e("div", { class: "sd-batch-drop" },
      e("div", { class: "sd-row" }, choose, remove), held);
    const kind = sd.segmented({ label: "What is made of each photo", value: task, options: [["semantic", "Semantic"], ["panoptic", "Panoptic"]], onChange: (key) => {
      task = key;
    } });
    // Of a network without queries there are classes alone; why is said in their place.
    const alone = e("p", { class: "sd-note-text sd-batch-alone", hidden: true });
    state.on(["run"], () => {
      const none = sd.lacking(state.get("run"), "queries");
      kind.hidden = Boolean(none);
      alone.hidden = !none;
      alone.textContent = none;
      if (none) kind.set((task = "semantic"));
    });
    const start = sd.button("Start", () => run(), "sd-primary");
    const cancel = sd.button("Cancel", () => job?.cancel(), "sd-cancel");
    const bar = e("progress", { class: "sd-batch-bar", max: "1", value: "0", "aria-label": "Photos done" });
    const status = e("p", { class: "sd-note-text", role: "status" });
    const progress = e("div", { class: "sd-batch-progress", hidden: true }, bar, e("div", { class: "sd-row" }, status, cancel));
    const problem = e("p", { class: "sd-flag", role: "alert", hidden: true });
    const summary = e("p", { class: "sd-batch-summary" });
    const all = sd.button("Download all (ZIP)", () => download(), "sd-primary");
    const outcome = e("div", { class: "sd-row sd-batch-outcome", hidden: true }, summary, all);
    const failures = e("ul", { class: "sd-batch-failures" });
    const failing = e("div", { class: "sd-batch-failing", hidden: true }, sd.heading("Not done", "Photos that could not be done, and why. The others are not touched by it. Start again to try these once more."), failures);
    const gallery = e("div", { class: "sd-batch-gallery", role: "list", "aria-label": "Photos that are done" });
    const done = e("div", { class: "sd-batch-done", hidden: true }, sd.heading("Done", "Choose a photo to open it in the other tabs; this list stays."), gallery);
    panel.append(sd.heading("Many photos", `${ABOUT} They stay on the server until you remove them, or until ${limits.keptMinutes} minutes after their last use.`), drop, input, e("div", { class: "sd-row" }, kind, start), alone, problem, progress, outcome, failing, done);

    const complain = (text) => {
      problem.hidden = !text;
      problem.textContent = text ?? "";
      if (text) problem.scrollIntoView({ block: "nearest" });
    };
    const fit = () => {
      held.textContent = photos ? count(photos, "photo") : `Up to ${limits.photos} photos, ${megabytes(limits.bytes)} together. Drop them here, or choose them.`;
      choose.disabled = busy;
      choose.classList.toggle("sd-primary", photos === 0);
      remove.hidden = photos === 0;
      remove.disabled = busy;
      start.disabled = busy || photos === 0;
      all.disabled = busy;
    };
    const empty = () => {
      seen = 0;
      failed = 0;
      gallery.replaceChildren();
      failures.replaceChildren();
      for (const part of [outcome, failing, done]) part.hidden = true;
    };
    const forget = () => {
      batch = null;
      photos = 0;
      empty();
    };
    /** Do something that asks the server, and say here what goes wrong with it. */
    const attempt = async (work) => {
      busy = true;
      complain(null);
      fit();
      try {
        await work();
      } catch (error) {
        if (error instanceof sd.GoneError) {
          forget();
          complain(GONE);
        } else if (error instanceof sd.ServerError) complain(error.message);
        else throw error;
      } finally {
        busy = false;
        fit();
      }
    };

    const send = async (file) => {
      const step = isZip(file) ? limits.part : file.size;
      for (let from = 0; from === 0 || from < file.size; from += step || 1) {
        const part = new File([file.slice(from, from + step)], file.name);
        const request = { batch, first: from === 0, last: from + step >= file.size };
        if (isZip(file)) held.textContent = `Sending ${file.name}: ${Math.round((100 * from) / Math.max(file.size, 1))} %`;
        const answer = await client.call("add_to_batch", { binary: true, data: { file: part, request: JSON.stringify(request) } });
        photos = answer.photos;
      }
    };
    const add = (files) => attempt(async () => {
      const tooLarge = files.filter((file) => file.size > (isZip(file) ? limits.bytes : config.limits.bytes));
      const wanted = files.filter((file) => !tooLarge.includes(file));
      batch ??= wanted.length ? (await client.call("open_batch")).batch : null;
      for (const [index, file] of wanted.entries()) {
        held.textContent = `Sending ${index + 1} of ${wanted.length}`;
        await send(file);
      }
      if (tooLarge.length) complain(`Not added, too large: ${tooLarge.map(({ name }) => name).join(", ")}. A photo has at most ${megabytes(config.limits.bytes)}, a ZIP ${megabytes(limits.bytes)}.`);
    });
    const clear = () => attempt(async () => {
      if (batch) await client.call("close_batch", { batch });
      forget();
    });

    const open = async (entry) => {
      await attempt(async () => {
        const { name, data } = await client.call("batch_photo", { batch, name: entry.name });
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        state.set({ tab: task });
        app.openFile(new File([bytes], name));
      });
    };
    const show = (entry) => {
      if (entry.reason) {
        failed += 1;
        failures.append(e("li", {}, e("strong", { text: entry.file }), ` ${entry.reason}`));
        failing.hidden = false;
        return;
      }
      const classes = entry.classes.map(([label, share]) => `${label} ${sd.percent(share)}`);
      const button = e("button", { type: "button", class: "sd-batch-item", title: `${entry.file}: ${classes.join(", ")}`, "aria-label": `Open ${entry.file}. ${classes.join(", ")}` },
        e("img", { src: entry.thumbnail, alt: "", width: "128", height: "96" }), e("span", { class: "sd-batch-name", text: entry.file }), e("span", { class: "sd-help", text: classes[0] ?? "nothing found" }));
      button.addEventListener("click", () => open(entry));
      gallery.append(e("div", { role: "listitem" }, button));
      done.hidden = false;
    };
    let fetching = null;
    /** Bring the gallery up to date; one at a time. */
    const fetchEntries = () => {
      fetching ??= (async () => {
        for (;;) {
          const answer = await client.call("batch_entries", { batch, seen });
          answer.entries.forEach(show);
          seen = answer.seen;
          if (!answer.entries.length) return;
        }
      })().finally(() => {
        fetching = null;
      });
      return fetching;
    };

    const run = () => attempt(async () => {
      empty();
      progress.hidden = false;
      bar.removeAttribute("value");
      status.textContent = "Starting …";
      const options = {
        batch, task, checkpoint: state.get("checkpoint"), size: state.get("size"), opacity: state.get("opacity"), outlines: state.get("outlines"), hatching: state.get("hatching"),
        ...(task === "panoptic" ? state.get("thresholds") : {}), ...sd.refinementOf(app, task),
      };
      job = client.run(() => client.call("start_batch", options), (message) => {
        status.textContent = message.text;
        if (message.fraction === null) return;
        bar.value = message.fraction;
        fetchEntries().catch(() => null);
      });
      let message = null;
      try {
        message = await job.done;
      } finally {
        job = null;
        progress.hidden = true;
        await fetchEntries().catch(() => null);
        await fetchEntries().catch(() => null);
        const finished = seen - failed;
        summary.textContent = message ? `${count(finished, "photo")} done${failed ? `, ${failed} not` : ""}.` : `Stopped after ${count(finished, "photo")}. Start again to go on.`;
        outcome.hidden = seen === 0 && !message;
      }
    });
    const download = () => attempt(async () => {
      const message = await client.run(() => client.call("start_batch_file", { batch }), () => {}).done;
      if (!message) return;
      const link = e("a", { href: `${window.location.pathname.replace(/\/?$/, "/")}gradio_api/file=${message.file.path}`, download: message.file.name });
      link.click();
    });

    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = "";
      if (files.length) add(files);
    });
    for (const kindOf of ["dragenter", "dragover"]) {
      drop.addEventListener(kindOf, (event) => {
        event.preventDefault();
        drop.classList.add("sd-over");
      });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("sd-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      drop.classList.remove("sd-over");
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length && !busy) add(files);
    });
    // The card of a pixel would stand in the way: it is there again for a pixel that is picked meanwhile.
    let before = state.get("pixel");
    const stepAside = (_values, changed) => {
      if (changed.has("tab")) before = state.get("pixel");
      const pixel = state.get("pixel");
      app.pixelCard.classList.toggle("sd-aside", state.get("tab") === "batch" && !(pixel?.picked && pixel !== before));
    };
    state.on(["tab", "pixel"], stepAside);
    stepAside(null, new Set());
    fit();
  };

  /** The canvas goes on showing the photo that is open. */
  const show = (app) => sd.tabs.find(({ id }) => id === "semantic").show(app);

  sd.tabs.push({ id: "batch", title: "Batch", question: "Take", build, show });
})((window.segdemo ??= {}));
