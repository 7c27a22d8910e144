// Starts the page: one canvas, one photo, one selection, and the tabs that look at it.
((sd) => {
  "use strict";

  /** @type {any} what the page is made of, once it has started */
  sd.page = null;

  const parameters = () => new URLSearchParams(window.location.search);

  /** Keep the address in step, also outside the frame that a Space puts the page in. */
  const writeAddress = (changes) => {
    const query = parameters();
    for (const [key, value] of Object.entries(changes)) {
      if (value) query.set(key, value);
      else query.delete(key);
    }
    const text = query.toString();
    window.history.replaceState(null, "", text ? `?${text}` : window.location.pathname);
    if (window.parent !== window) window.parent.postMessage({ queryString: text }, "https://huggingface.co");
  };

  /** Turn the server's packed result into what the tabs read. */
  const decodeRun = async (payload) => {
    const [ids, planes] = await Promise.all([
      sd.unpack(payload.map),
      Promise.all(Object.entries(payload.planes).map(async ([name, packed]) => [name, await sd.unpack(packed)])),
    ]);
    const classes = payload.classes;
    return {
      ...payload,
      classes,
      byId: new Map(classes.map((entry) => [entry.id, entry])),
      map: { width: payload.map.shape[1], height: payload.map.shape[0], ids, none: 65535, entries: new Map(classes.map((entry) => [entry.id, entry])) },
      planes: { ...Object.fromEntries(planes), height: payload.planes.top.shape[0], width: payload.planes.top.shape[1] },
    };
  };

  /** Called once by the component. `config` is what the server knows before any photo. */
  sd.start = async (root, server) => {
    const client = sd.createClient(server);
    let config;
    try {
      config = await client.call("config");
    } catch (error) {
      root.textContent = "The server does not answer. Reload the page in a moment.";
      throw error;
    }
    const asked = parameters();
    const state = sd.createState({
      run: null, tab: sd.tabs.some(({ id }) => id === asked.get("tab")) ? asked.get("tab") : "semantic",
      pixel: null, classId: null, segment: null, query: null, subject: "all", layer: null, head: -1,
      visible: null, view: "classes", opacity: 0.6, outlines: true, hatching: false,
      checkpoint: config.checkpoint, size: "checkpoint", refined: null, panoptic: null, busy: false,
    });
    let job = null;
    let source = null;
    let lastInput = null;

    const shell = sd.buildShell(root, sd.tabs, { choose: (id) => state.set({ tab: id }) });
    const viewer = sd.createViewer(shell.canvas, {
      onPick: ({ x, y, id }) => {
        if (!state.get("run") || state.get("busy")) return;
        state.set({ pixel: { x, y }, query: sd.queryAt(state.get("run"), x, y) });
        sd.tabs.find(({ id: tab }) => tab === state.get("tab")).pick?.(app, { x, y, id });
      },
      onClear: () => clearSelection(),
      onView: ({ opacity }) => {
        if (opacity !== undefined) state.set({ opacity });
      },
      onFile: (file) => openFile(file),
    });
    const clearSelection = () => state.set({ pixel: null, classId: null, segment: null });
    document.addEventListener("keydown", (event) => {
      const busy = event.target instanceof Element && event.target.closest("input, select, dialog");
      if (event.key === "Escape" && !busy) clearSelection();
    });
    const say = (text, kind = "error") => viewer.setMessage(text ? { kind, text } : null);

    /** Run something that asks the server; sentences go to the canvas, a photo that is gone is computed again. */
    const guard = async (work) => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof sd.GoneError) {
          if (state.get("busy")) return null;
          if (lastInput) {
            say("Your photo had to make room on the server. It is being computed again.", "info");
            await openInput(lastInput, { keepSelection: true });
          } else say("The photo is no longer kept. Open it again.");
        } else if (error instanceof sd.ServerError) say(error.message);
        else throw error;
        return null;
      }
    };

    const openInput = async (input, { keepSelection = false } = {}) => {
      job?.cancel();
      const shown = lastInput;
      lastInput = input;
      const request = { checkpoint: state.get("checkpoint"), size: state.get("size"), previous: state.get("run")?.token ?? null };
      const begin = () =>
        input.file
          ? client.call("start", { binary: true, data: { file: input.file, request: JSON.stringify(request) } })
          : client.call("start", { ...request, example: input.example });
      say(null);
      state.set({ busy: true });
      viewer.setProgress({ text: input.file ? "Sending the photo" : "Opening the example", fraction: null });
      let preview = null;
      if (input.file && !keepSelection) {
        preview = await showPreview(input.file);
      }
      const mine = client.run(begin, (message) => viewer.setProgress(message));
      job = mine;
      showCancel(mine);
      try {
        const message = await mine.done;
        if (job !== mine) return;
        if (message) {
          const run = await decodeRun(await client.call("result", { token: message.token }));
          if (job !== mine) return;
          const fresh = { run, refined: null, panoptic: null, busy: false };
          if (!keepSelection) Object.assign(fresh, { pixel: null, classId: null, segment: null, query: null, subject: "all", visible: null });
          state.set(fresh);
        } else {
          lastInput = shown;
          restore(preview);
          say("Cancelled. The last result is still here.", "info");
        }
      } catch (error) {
        if (job === mine) {
          lastInput = shown;
          restore(preview);
          if (error instanceof sd.ServerError || error instanceof sd.GoneError) say(error.message);
          else throw error;
        }
      } finally {
        if (preview) URL.revokeObjectURL(preview);
        if (job === mine) {
          job = null;
          viewer.setProgress(null);
          showCancel(null);
          state.set({ busy: false });
        }
      }
    };

    /** The photo shows at once where the browser can read it; the masks of the last one go. */
    const showPreview = async (file) => {
      const src = URL.createObjectURL(file);
      try {
        const picture = new Image();
        picture.src = src;
        await picture.decode();
        viewer.setPhoto({ src, width: picture.naturalWidth, height: picture.naturalHeight, alt: "The photo you opened" });
        viewer.setMap(null);
        viewer.setHeat(null);
        return src;
      } catch {
        URL.revokeObjectURL(src);
        return null;
      }
    };
    const restore = (preview) => {
      if (preview && state.get("run")) showRun();
      else if (preview) viewer.clear();
    };

    const openFile = (file) => {
      if (file.size > config.limits.bytes) {
        say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most ${(config.limits.bytes / 1e6).toFixed(0)} MB are taken. Save it smaller and try again.`);
        return;
      }
      source.mark(null);
      writeAddress({ example: null });
      openInput({ file, name: file.name });
    };
    const openExample = (id) => {
      source.mark(id);
      writeAddress({ example: id });
      openInput({ example: id });
    };
    const release = async () => {
      const run = state.get("run");
      job?.cancel();
      lastInput = null;
      if (run) await guard(() => client.call("release", { token: run.token }));
      state.set({ run: null, refined: null, panoptic: null, pixel: null, classId: null, segment: null, query: null, subject: "all", visible: null });
      viewer.clear();
      source.mark(null);
      writeAddress({ example: null });
      say("Your photo and everything made from it is deleted.", "info");
    };

    const cancelButton = sd.button("Cancel", () => job?.cancel(), "sd-cancel");
    cancelButton.hidden = true;
    let cancelTimer = null;
    /** Cancel appears once a run has lasted long enough to want it. */
    const showCancel = (running) => {
      clearTimeout(cancelTimer);
      cancelButton.hidden = true;
      if (running) {
        cancelTimer = setTimeout(() => {
          cancelButton.hidden = false;
        }, 800);
      }
    };

    const app = { state, viewer, client, config, guard, say, tools: shell.tools, pixelCard: shell.pixel, openExample };

    const showRun = () => {
      const run = state.get("run");
      if (!run) return;
      viewer.setPhoto({ ...run.photo, alt: run.name });
      viewer.setPlanes({ ...run.planes, classLabel: (id) => run.labels[id] ?? "" });
      viewer.setPixel(state.get("pixel"));
      showTab();
    };
    const showTab = () => {
      const tab = sd.tabs.find(({ id }) => id === state.get("tab"));
      shell.showPanel(tab.id);
      if (!state.get("run")) return;
      viewer.setCompare(null);
      viewer.setHeat(null);
      viewer.setVisible(null);
      viewer.setDimHidden(false);
      viewer.select(null);
      viewer.highlight(null);
      tab.show(app);
    };

    source = sd.buildSource(shell.source, {
      examples: config.examples, keptMinutes: config.keptMinutes, open: openFile, openExample, release, say,
    });
    sd.buildHeader(app, shell, { rerun: (options) => lastInput && openInput(lastInput, options), cancelButton });
    sd.buildTools(app);
    sd.buildPixelCard(app);
    sd.tabs.forEach((tab, index) => tab.build(app, shell.panels[index]));

    state.on(["run"], showRun);
    state.on(["run"], () => source.setPhoto(state.get("run") !== null));
    state.on(["tab"], () => {
      writeAddress({ tab: state.get("tab") });
      showTab();
    });
    state.on(["opacity"], () => viewer.setOpacity(state.get("opacity")));
    state.on(["outlines"], () => viewer.setOutlines(state.get("outlines")));
    state.on(["hatching"], () => viewer.setHatching(state.get("hatching")));
    state.on(["pixel"], () => viewer.setPixel(state.get("pixel")));
    viewer.setOpacity(state.get("opacity"));
    viewer.setOutlines(state.get("outlines"));
    source.setPhoto(false);
    showTab();
    sd.page = app;
    root.setAttribute("aria-busy", "false");

    const first = config.examples.find(({ id }) => id === asked.get("example")) ?? config.examples[0];
    if (asked.get("example") && first.id !== asked.get("example")) say("There is no example of that name: here is another.", "info");
    if (first) {
      source.mark(first.id);
      openInput({ example: first.id });
    }
  };
})((window.segdemo ??= {}));
