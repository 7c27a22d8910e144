// Opens photos: what is sent, what shows meanwhile, and what of the last result stays when the next one is there.
((sd) => {
  "use strict";

  const INVITATION = window.matchMedia("(pointer: coarse)").matches ? "Tap the picture. Ask why." : "Point at the picture. Click. Ask why.";

  /** What the state says when nothing is selected. */
  sd.NOTHING = { pixel: null, classId: null, segment: null, query: null, subject: "all", visible: null, shownPixels: null, pairPixels: null, off: sd.NOTHING_OFF };

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

  /**
   * @param {{root: HTMLElement, state: Object, viewer: Object, client: Object, config: Object, thresholds: Object, guard: Function, say: Function}} app
   * @param {Object} shell
   * @param {{mark: (example: string|null) => void, showRun: () => void}} page
   *   `mark`: this example is the one on screen; `showRun`: show the state's result again
   */
  sd.createOpening = (app, shell, { mark, showRun }) => {
    const { root, state, viewer, client, config, thresholds, guard, say } = app;
    let job = null;
    let lastInput = null;
    /** Whether the next result is of the photo on screen, so that zoom and pan stay. */
    let keepView = false;
    /** What the network made of the photo on screen when it was told other tasks: by task its token, and whether it was
     * computed for everybody. */
    const others = new Map();
    let turns = 0;
    /** Whether a link that was followed is about a photo that is yet to be opened. */
    let linkWaits = false;

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

    /**
     * Run a photo through the network and show the result; until then everything stays as the old result says.
     * @param {Object} input {file} or {example}
     * @param {{checkpoint?: string, size?: string, task?: string, again?: boolean, linked?: boolean, after?: string|null, quiet?: boolean}} options
     *   `task`: what a network that is told its task is told; `again`: the same photo, so that zoom and selection stay; `linked`: select what the address says; `after`: a
     *   sentence to show with the result; `quiet`: what is on screen serves meanwhile, and progress is for those who wait
     */
    const openInput = async (input, { checkpoint, size, task, again = false, linked = false, after = null, quiet = false } = {}) => {
      job?.cancel();
      const chosen = checkpoint ?? state.get("checkpoint");
      const setup = { checkpoint: chosen, size: size ?? state.get("size"), task: sd.taskOf(config, chosen, task ?? state.get("task")) };
      const before = state.get("run")?.preview ? null : state.get("run");
      const same = again && before !== null && setup.checkpoint === state.get("checkpoint") && setup.size === state.get("size");
      const beside = same && Boolean(before.task) && before.task !== setup.task;
      turns += 1;
      if (beside && (await goBack(setup, before))) return;
      const request = { ...setup, previous: before?.token ?? null, beside };
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
        state.set({ run: rough, refined: null, panoptic: null, ...(again ? kept(rough) : sd.NOTHING) });
      };
      const mine = client.run(begin, progress, onEarly);
      job = mine;
      if (!quiet) showCancel(mine);
      try {
        const message = await mine.done;
        if (job !== mine) return;
        if (message) {
          const run = { ...(await decodeRun(await client.call("result", { token: message.token }))), kept: message.kept ?? false, fileName: input.file?.name ?? null, input };
          if (job !== mine) return;
          lastInput = input;
          if (!same) releaseOthers();
          if (beside) others.set(before.task, { token: before.token, kept: before.kept });
          others.delete(setup.task);
          if (quiet) standIn.arrived(run.token);
          keepView = again || previewed;
          mark(run.example);
          state.set({
            ...setup, run, refined: null, panoptic: null, busy: false,
            ...(again || previewed ? kept(run) : sd.NOTHING), ...(linked ? sd.readSelection(run, thresholds) : {}),
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

    /** Show again what the network made of this photo when it was told that task; resolves to whether that is still kept. */
    const goBack = async (setup, before) => {
      const mine = turns;
      const there = others.get(setup.task);
      if (!there) return false;
      try {
        const { token } = await client.call("back", { token: before.token, to: there.token });
        const run = { ...(await decodeRun(await client.call("result", { token }))), kept: there.kept, fileName: before.fileName, input: before.input };
        if (turns !== mine) return true;
        others.delete(setup.task);
        others.set(before.task, { token: before.token, kept: before.kept });
        keepView = true;
        state.set({ ...setup, run, refined: null, panoptic: null, ...kept(run) });
        return true;
      } catch (error) {
        if (!(error instanceof sd.GoneError)) throw error;
        others.delete(setup.task);
        return turns !== mine;
      }
    };
    const releaseOthers = () => {
      for (const { token } of others.values()) guard(() => client.call("release", { token }));
      others.clear();
    };

    /** What of the selection another pass over the same photo has, too. */
    const kept = (run) => {
      const old = state.get("run");
      const same = old && JSON.stringify(old.labels) === JSON.stringify(run.labels);
      return {
        pixel: state.get("pixel") && { ...state.get("pixel") }, segment: null,
        query: same && (state.get("query") ?? 0) < run.queries.length ? state.get("query") : null,
        ...(same && old.numHeads === run.numHeads && old.numLayers === run.numLayers && old.queries.length === run.queries.length ? {} : { off: sd.NOTHING_OFF }),
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
        shell.setRatio(picture.naturalWidth, picture.naturalHeight);
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
      mark(first.example);
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
    const openExample = (id) => openInput({ example: id });
    const release = async () => {
      const run = state.get("run");
      job?.cancel();
      lastInput = null;
      releaseOthers();
      if (run) await guard(() => client.call("release", { token: run.token }));
      state.set({ ...sd.NOTHING, run: null, refined: null, panoptic: null });
      viewer.clear();
      mark(null);
      window.history.replaceState(null, "", window.location.pathname);
      say("Your photo and everything made from it is deleted.", "info");
    };

    return {
      openFile, openExample, release, cancelButton, keepView: () => keepView,
      /** The token of what the network made of the photo on screen when it was told that task, where that is kept. */
      toldOtherwise: (task) => others.get(task)?.token ?? null,
      /** Run the photo on screen once more, if there is one; resolves to whether there is. */
      again: async (options) => {
        if (!lastInput) return false;
        await openInput(lastInput, { ...options, again: true });
        return true;
      },
      /**
       * Open what the address asks for, or the photo that came with the page.
       * @param {{example?: string, checkpoint?: string, size?: string, own?: boolean, asked?: string|null}} asked
       */
      begin: (asked) => {
        const first = config.examples.find(({ id }) => id === asked.example) ?? config.examples[0];
        const words = asked.own ? "This link is about somebody's own photo, which is never stored: open the photo to see the same."
          : asked.asked && !asked.example ? "There is no example of that name: here is another." : null;
        linkWaits = asked.own;
        const asItComes = !words && !asked.checkpoint && !asked.size && state.get("task") === sd.taskOf(config, config.checkpoint, null) && first?.id === config.first?.example;
        if (asItComes) showFirst(config.first);
        else if (first) openInput({ example: first.id }, { linked: !asked.own, after: words ?? (asked.example ? null : INVITATION) });
      },
    };
  };
})((window.segdemo ??= {}));
