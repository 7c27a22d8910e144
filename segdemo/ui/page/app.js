// Starts the page: one canvas, one photo, one selection, and the tabs that look at it.
((sd) => {
  "use strict";

  const INVITATION = window.matchMedia("(pointer: coarse)").matches ? "Tap the picture. Ask why." : "Point at the picture. Click. Ask why.";

  /** @type {any} what the page is made of, once it has started */
  sd.page = null;

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
    const asked = sd.readAddress(config);
    const { score_threshold, mask_threshold, overlap_threshold, opacity: given } = config.options;
    const thresholds = { score_threshold, mask_threshold, overlap_threshold, split: false, things_only: false };
    const NOTHING = { pixel: null, classId: null, segment: null, query: null, subject: "all", visible: null };
    const state = sd.createState({
      ...NOTHING, run: null, tab: asked.tab ?? "semantic", layer: null, head: -1, view: "classes", thresholds,
      opacity: given, outlines: true, hatching: false,
      checkpoint: asked.checkpoint ?? config.checkpoint, size: asked.size ?? "checkpoint",
      refined: null, panoptic: null, busy: false,
    });
    let job = null;
    let source = null;
    let lastInput = null;
    /** Whether the next result is of the photo on screen, so that zoom and pan stay. */
    let keepView = false;

    const shell = sd.buildShell(root, sd.tabs, { choose: (id) => state.set({ tab: id }) });
    const viewer = sd.createViewer(shell.canvas, {
      legend: shell.legend,
      dropZone: document.documentElement,
      onPick: ({ x, y, id }) => {
        if (!state.get("run") || state.get("busy")) return;
        say(null);
        state.set({ pixel: { x, y, picked: true }, query: sd.queryAt(state.get("run"), x, y) });
        sd.tabs.find(({ id: tab }) => tab === state.get("tab")).pick?.(app, { x, y, id });
      },
      onClear: () => clearSelection(),
      onView: ({ opacity }) => {
        if (opacity !== undefined) state.set({ opacity });
      },
      onFile: (file) => openFile(file),
    });
    const clearSelection = () => state.set({ pixel: null, classId: null, segment: null });
    const say = (text, kind = "error") => viewer.setMessage(text ? { kind, text } : null);

    /** Run something that asks the server; sentences go to the canvas, a photo that is gone is computed again. */
    const guard = async (work) => {
      const about = state.get("run");
      try {
        return await work();
      } catch (error) {
        // What fails for a result that is no longer shown is nobody's business.
        if (about !== state.get("run") && (error instanceof sd.GoneError || error instanceof sd.ServerError)) return null;
        if (error instanceof sd.GoneError) {
          if (state.get("busy")) return null;
          if (lastInput) await openInput(lastInput, { again: true, after: "Your photo had to make room on the server. It was computed again." });
          else say("The photo is no longer kept. Open it again.");
        } else if (error instanceof sd.ServerError) say(error.message);
        else throw error;
        return null;
      }
    };

    /**
     * Run a photo through the network and show the result; until then everything stays as the old result says.
     * @param {Object} input {file} or {example}
     * @param {{checkpoint?: string, size?: string, again?: boolean, linked?: boolean, after?: string|null, quiet?: boolean}} options
     *   `again`: the same photo, so that zoom and selection stay; `linked`: select what the address says; `after`: a
     *   sentence to show with the result; `quiet`: what is on screen serves meanwhile, and progress is for those who wait
     */
    const openInput = async (input, { checkpoint, size, again = false, linked = false, after = null, quiet = false } = {}) => {
      job?.cancel();
      const setup = { checkpoint: checkpoint ?? state.get("checkpoint"), size: size ?? state.get("size") };
      const before = state.get("run")?.preview ? null : state.get("run");
      const request = { ...setup, previous: before?.token ?? null };
      const begin = () =>
        input.file
          ? client.call("start", { binary: true, data: { file: input.file, request: JSON.stringify(request) } })
          : client.call("start", { ...request, example: input.example });
      let last = null;
      const progress = (message) => {
        last = message;
        viewer.setProgress(quiet && !client.waited() ? null : message);
      };
      if (quiet) standIn.look = () => progress(last);
      if (!quiet) {
        say(null);
        state.set({ busy: true });
        root.classList.add("sd-busy");
      }
      progress({ text: input.file ? "Sending the photo" : "Opening the example", fraction: null });
      const preview = input.file && !again ? await showPreview(input.file) : null;
      let previewed = false;
      /** A result of low resolution, to look at until the full one takes its place. */
      const onEarly = quiet ? null : async (early) => {
        const rough = await decodeRun(early);
        if (job !== mine) return;
        client.standInFor({ token: early.token, answers: {}, real: mine.done.then((message) => message?.token ?? Promise.reject(new sd.GoneError())) });
        keepView = again;
        previewed = true;
        state.set({ run: rough, refined: null, panoptic: null, ...(again ? kept(rough) : NOTHING) });
      };
      const mine = client.run(begin, progress, onEarly);
      job = mine;
      if (!quiet) showCancel(mine);
      try {
        const message = await mine.done;
        if (job !== mine) return;
        if (message) {
          const run = { ...(await decodeRun(await client.call("result", { token: message.token }))), kept: message.kept ?? false };
          if (job !== mine) return;
          lastInput = input;
          if (quiet) standIn.arrived(run.token);
          keepView = again || previewed;
          source.mark(run.example);
          state.set({
            ...setup, run, refined: null, panoptic: null, busy: false,
            ...(again || previewed ? kept(run) : NOTHING), ...(linked ? sd.readSelection(run, thresholds) : {}),
          });
          if (after) say(after, "info");
        } else {
          if (previewed) state.set({ run: before });
          restore(preview);
          say("Cancelled. The last result is still here.", "info");
        }
      } catch (error) {
        if (quiet) standIn.failed(error);
        if (job === mine) {
          if (previewed) state.set({ run: before });
          restore(preview);
          if (error instanceof sd.ServerError || error instanceof sd.GoneError) say(error.message);
          else throw error;
        }
      } finally {
        if (preview) URL.revokeObjectURL(preview);
        if (quiet) standIn.look = null;
        if (job === mine) {
          job = null;
          viewer.setProgress(null);
          showCancel(null);
          root.classList.remove("sd-busy");
          state.set({ busy: false });
        }
      }
    };

    /** What of the selection another pass over the same photo has, too. */
    const kept = (run) => {
      const old = state.get("run");
      const same = old && JSON.stringify(old.labels) === JSON.stringify(run.labels);
      return {
        pixel: state.get("pixel") && { ...state.get("pixel") }, segment: null,
        query: same && (state.get("query") ?? 0) < run.queries.length ? state.get("query") : null,
        ...(same ? {} : { classId: null, visible: null, subject: "all" }),
      };
    };

    /** The photo shows at once where the browser can read it; the masks of the last one go. */
    const showPreview = async (file) => {
      const src = URL.createObjectURL(file);
      try {
        const picture = new Image();
        picture.src = src;
        await picture.decode();
        setRatio(picture.naturalWidth, picture.naturalHeight);
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
    /** The canvas is as large as the window allows and no wider than the photo needs. */
    const setRatio = (width, height) => root.style.setProperty("--sd-ratio", String(width / height));

    /** The photo that came with the page, its result made beforehand; the server's own run follows behind it. */
    const standIn = {};
    const showFirst = async (first) => {
      const { answers, checkpoint, result } = first;
      const real = new Promise((resolve, reject) => {
        Object.assign(standIn, { arrived: resolve, failed: reject });
      });
      const { width, height } = result.photo;
      const same = ({ x, y }) => Math.floor(x * result.imageSize[1]) === answers.pixel.x && Math.floor(y * result.imageSize[0]) === answers.pixel.y;
      client.standInFor({
        token: result.token, real, onWait: () => standIn.look?.(), answers: { masks: () => answers.masks, pixel: (argument) => (same(argument) ? answers.pixel : null) },
      });
      const run = await decodeRun(result);
      if (job || state.get("busy")) return;
      lastInput = { example: first.example };
      source.mark(first.example);
      const pixel = shell.narrow() ? {} : { pixel: { x: (answers.pixel.x + 0.5) / result.imageSize[1], y: (answers.pixel.y + 0.5) / result.imageSize[0] } };
      state.set({ run, ...(width && height ? pixel : {}), ...sd.readSelection(run, thresholds) });
      const { title } = config.checkpoints.find(({ id }) => id === config.checkpoint);
      say(checkpoint === config.checkpoint ? INVITATION : `This is the result of ${first.title}; that of ${title} follows.`, "info");
      openInput(lastInput, { again: true, quiet: true, after: checkpoint === config.checkpoint ? null : INVITATION });
    };

    const openFile = (file) => {
      if (file.size > config.limits.bytes) {
        say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most ${(config.limits.bytes / 1e6).toFixed(0)} MB are taken. Save it smaller and try again.`);
        return;
      }
      // A link about a photo that nobody keeps selects again what it was about, once the photo is there.
      openInput({ file, name: file.name }, { linked: state.get("run") === null || linkWaits });
      linkWaits = false;
    };
    let linkWaits = false;
    const openExample = (id) => openInput({ example: id });
    const release = async () => {
      const run = state.get("run");
      job?.cancel();
      lastInput = null;
      if (run) await guard(() => client.call("release", { token: run.token }));
      state.set({ ...NOTHING, run: null, refined: null, panoptic: null });
      viewer.clear();
      source.mark(null);
      window.history.replaceState(null, "", window.location.pathname);
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

    const app = { root, state, viewer, client, config, thresholds, guard, say, tools: shell.tools, pixelCard: shell.pixel, openExample, clearSelection };
    app.thumbs = sd.createThumbs(app);
    app.showKeys = sd.listenForKeys(app);

    const showRun = () => {
      const run = state.get("run");
      if (!run) return;
      setRatio(run.photo.width, run.photo.height);
      viewer.setPhoto({ ...run.photo, alt: run.name, keepView });
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
      viewer.setDimHidden(false);
      viewer.select(null);
      viewer.highlight(null);
      viewer.light(null);
      tab.show(app);
    };

    source = sd.buildSource(shell.source, {
      examples: config.examples, keptMinutes: config.keptMinutes, open: openFile, openExample, release, say,
    });
    sd.buildHeader(app, shell, { rerun: (changes) => lastInput && openInput(lastInput, { ...changes, again: true }), cancelButton });
    sd.buildTools(app);
    sd.buildPixelCard(app);
    sd.tabs.forEach((tab, index) => tab.build(app, shell.panels[index]));

    state.on(["run"], showRun);
    state.on(["run"], () => source.setPhoto(state.get("run") !== null && !state.get("run").example));
    state.on(["tab"], showTab);
    state.on(["opacity"], () => viewer.setOpacity(state.get("opacity")));
    state.on(["outlines"], () => viewer.setOutlines(state.get("outlines")));
    state.on(["hatching"], () => viewer.setHatching(state.get("hatching")));
    state.on(["pixel"], () => viewer.setPixel(state.get("pixel")));
    sd.keepAddress(state, config, thresholds);
    viewer.setOpacity(state.get("opacity"));
    viewer.setOutlines(state.get("outlines"));
    source.setPhoto(false);
    showTab();
    sd.page = app;
    root.setAttribute("aria-busy", "false");

    const first = config.examples.find(({ id }) => id === asked.example) ?? config.examples[0];
    const words = asked.own ? "This link is about somebody's own photo, which is never stored: open the photo to see the same."
      : asked.asked && !asked.example ? "There is no example of that name: here is another." : null;
    linkWaits = asked.own;
    const asItComes = !words && !asked.checkpoint && !asked.size && first?.id === config.first?.example;
    if (asItComes) showFirst(config.first);
    else if (first) openInput({ example: first.id }, { linked: !asked.own, after: words });
  };
})((window.segdemo ??= {}));
