// Starts the page: one canvas, one photo, one selection, and the tabs that look at it.
((sd) => {
  "use strict";

  /** @type {any} what the page is made of, once it has started */
  sd.page = null;

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
    const state = sd.createState({
      ...sd.NOTHING, run: null, tab: asked.tab ?? sd.firstTab(config, asked), layer: null, head: -1, view: "classes", thresholds,
      opacity: given, outlines: true, hatching: false,
      checkpoint: asked.checkpoint ?? config.checkpoint, size: asked.size ?? "checkpoint",
      task: asked.task,
      refined: null, panoptic: null, busy: false, features: sd.FEATURES, ...sd.EVALUATION, ...sd.COMPARISON,
    });
    let opening = null;
    let source = null;

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
      onFile: (file) => opening.openFile(file),
    });
    const clearSelection = () => state.set({ pixel: null, classId: null, segment: null, shownPixels: null, pairPixels: null });
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
          const again = await opening.again({ after: "Your photo had to make room on the server. It was computed again." });
          if (!again) say("The photo is no longer kept. Open it again.");
        } else if (error instanceof sd.ServerError) say(error.message);
        else throw error;
        return null;
      }
    };

    const app = { root, state, viewer, client, config, thresholds, guard, say, tools: shell.tools, pixelCard: shell.pixel, clearSelection };
    app.thumbs = sd.createThumbs(app);
    app.showKeys = sd.listenForKeys(app);

    const showRun = () => {
      const run = state.get("run");
      if (!run) return;
      shell.setRatio(run.photo.width, run.photo.height);
      viewer.setPhoto({ ...run.photo, alt: run.name, keepView: opening.keepView() });
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
      const index = sd.tabs.indexOf(tab);
      const missing = tab.needs ? sd.lacking(state.get("run"), tab.needs) : "";
      if (tab.needs) sd.tellLacking(shell.panels[index], tab.title, missing);
      if (!missing) {
        tab.show(app);
        return;
      }
      const map = sd.currentMap(app);
      viewer.setMap(map);
      sd.showVisible(app, map.entries);
    };

    opening = sd.createOpening(app, shell, { mark: (example) => source.mark(example), showRun });
    const { openFile, openExample, release, cancelButton } = opening;
    app.toldOtherwise = opening.toldOtherwise;
    app.openExample = openExample;
    app.openFile = openFile;
    source = sd.buildSource(shell.source, {
      examples: config.examples, keptMinutes: config.keptMinutes, open: openFile, openExample, release, say,
    });
    sd.buildHeader(app, shell, { rerun: opening.again, cancelButton });
    sd.buildTools(app);
    sd.buildPixelCard(app);
    sd.tabs.forEach((tab, index) => tab.build(app, shell.panels[index]));

    state.on(["run"], showRun);
    state.on(["run"], () => source.setPhoto(state.get("run") !== null && !state.get("run").example));
    // A message goes with the next action, and does not cover the photo in every tab.
    state.on(["tab"], () => say(null));
    for (const action of ["click", "change"]) {
      root.addEventListener(action, (event) => event.target.closest(".sdv-viewport") || say(null), true);
    }
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

    opening.begin(asked);
  };
})((window.segdemo ??= {}));
