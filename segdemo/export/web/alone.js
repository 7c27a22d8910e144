// The page that segments a photo in the browser alone: what is open, what was found in it, and how long that took.
((sd) => {
  "use strict";

  const VIEWER_PIXELS = 2_000_000;
  const NOUNS = { semantic: ["class", "classes"], panoptic: ["segment", "segments"] };

  /** Start the page. @param {HTMLElement} root filled with it @param {object} about see `about.js` */
  sd.startAlone = (root, about) => {
    const e = sd.element;
    const thresholds = Object.fromEntries(["score_threshold", "mask_threshold", "overlap_threshold"].map((key) => [key, about[key]]));
    const state = { task: about.task, file: null, size: null, semantic: null, panoptic: null, run: null, selected: null, thresholds, turn: 0 };
    const place = e("div", {});
    const facts = e("p", { class: "sd-note-text sda-facts", role: "status" });
    const note = e("p", { class: "sd-notice", text: about.note });
    note.hidden = !about.note;

    const viewer = sd.createViewer(place, {
      dropZone: document.body,
      onFile: (file) => open(file, file.name),
      onPick: ({ id }) => select(id),
      onClear: () => select(null),
      onView: ({ opacity }) => slider.set(opacity),
    });
    const ask = sd.createAsking(({ text, fraction }) => viewer.setProgress({ text, fraction }));

    const select = (id) => {
      state.selected = id === null || state.selected === id ? null : id;
      viewer.select(state.selected);
      panel.mark(state.selected);
    };
    const recut = sd.perFrame(() => state.run && guard(cut));
    const panel = sd.buildPanel({ viewer, thresholds, onSelect: select, onThresholds: (values) => {
      state.thresholds = values;
      state.panoptic = null;
      recut();
    } });

    /** Run something of the newest photo; what fails becomes a sentence on the photo. */
    const guard = async (work) => {
      const turn = state.turn;
      try {
        await work(turn);
      } catch (error) {
        if (turn !== state.turn) return;
        viewer.setProgress(null);
        viewer.setMessage({ kind: "error", text: /** @type {Error} */ (error).message });
        root.classList.remove("sd-busy");
      }
    };

    const entriesOf = (task, found) => {
      if (task === "semantic") {
        return new Map(found.map(({ id, area, score }) => {
          const { name, color, isthing } = about.classes[id];
          return [id, { label: name, color, isthing: Boolean(isthing), area, score }];
        }));
      }
      const names = sd.nameSegments(found, about.classes);
      const seen = new Map();
      return new Map(found.map(({ id, category, area, score }, index) => {
        const { name, color, isthing } = about.classes[category];
        const nth = seen.get(category) ?? 0;
        seen.set(category, nth + 1);
        return [id, { label: name, name: names[index], color: sd.shade(color, nth), isthing: Boolean(isthing), area, score }];
      }).sort(([, one], [, two]) => two.area - one.area));
    };

    const show = () => {
      const result = state[state.task];
      thresholdBox.hidden = state.task !== "panoptic";
      if (!result) return;
      state.selected = null;
      viewer.select(null);
      viewer.setPlanes(state.semantic.planes);
      viewer.setMap({ ...state.size, ids: result.ids, none: state.task === "semantic" ? 65535 : 0, entries: result.entries, noun: NOUNS[state.task] });
      panel.show(result.entries, NOUNS[state.task]);
      save.disabled = false;
      const { times, threads, inputSize } = state.run;
      const parts = [
        `network ${sd.duration(times.network)}`, `preparing ${sd.duration(times.preparing)}`, `map ${sd.duration(result.deriving)}`,
        ...(times.loading > 0.05 ? [`fetching and loading ${sd.duration(times.loading)}, once`] : []),
      ];
      facts.textContent = `${parts.join(" · ")}. Input ${inputSize[1]} x ${inputSize[0]}, ${threads} ${threads === 1 ? "thread" : "threads"} of this device; the photo did not leave it.`;
    };

    /** Panoptic segments for the thresholds, when they are wanted. */
    const cut = async (turn) => {
      const asked = state.thresholds;
      const answer = await ask("panoptic", { ...state.size, thresholds: asked });
      if (turn !== state.turn || asked !== state.thresholds) return;
      state.panoptic = { ...answer, entries: entriesOf("panoptic", answer.found) };
      if (state.task === "panoptic") show();
    };

    const run = async (turn) => {
      const answer = await ask("open", { file: state.file });
      const map = await ask("semantic", state.size);
      if (turn !== state.turn) return;
      state.run = answer;
      map.planes.classLabel = (id) => about.classes[id].name;
      state.semantic = { ...map, entries: entriesOf("semantic", map.found) };
      await cut(turn);
      if (turn !== state.turn) return;
      show();
      viewer.setProgress(null);
      root.classList.remove("sd-busy");
    };

    /** Open a picture file: show it at once, then segment it. */
    const open = (file, name) => {
      state.turn += 1;
      Object.assign(state, { file, semantic: null, panoptic: null, run: null, selected: null });
      viewer.setMessage(null);
      viewer.setProgress({ text: "Reading the photo", fraction: null });
      root.classList.add("sd-busy");
      save.disabled = true;
      return guard(async (turn) => {
        const src = URL.createObjectURL(file);
        const image = new Image();
        image.src = src;
        try {
          await image.decode();
        } catch {
          throw new Error("This file is no picture that this browser can show: choose a JPEG, PNG or WebP.");
        }
        if (turn !== state.turn) return;
        const [height, width] = [image.naturalHeight, image.naturalWidth];
        if (height * width > about.max_pixels) {
          throw new Error(`The photo has ${Math.round(height * width / 1e6)} megapixels, more than ${about.max_pixels / 1e6}: make it smaller and try again.`);
        }
        if (state.src) URL.revokeObjectURL(state.src);
        Object.assign(state, { src, name: name.replace(/\.[^.]*$/, ""), photo: { height, width }, size: sd.within(height, width, VIEWER_PIXELS) });
        root.style.setProperty("--sd-ratio", String(width / height));
        viewer.setPhoto({ src, width, height, alt: name });
        await run(turn);
      });
    };

    const openExample = (example) => {
      state.turn += 1;
      return guard(async (turn) => {
        const response = await fetch(example.file);
        if (!response.ok) throw new Error(`${example.file} is not beside this page: choose a photo of your own.`);
        const blob = await response.blob();
        if (turn === state.turn) await open(blob, example.title);
      });
    };

    const download = () => guard(async () => {
      const { task } = state;
      const { file } = await ask("save", { ...state.photo, task, thresholds: state.thresholds });
      const link = e("a", { href: URL.createObjectURL(file), download: `${state.name}.${task}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });

    const choose = e("input", { type: "file", accept: "image/*", class: "sd-hidden", tabindex: "-1", "aria-label": "Photo file" });
    choose.addEventListener("change", () => {
      if (choose.files[0]) open(choose.files[0], choose.files[0].name);
      choose.value = "";
    });
    document.addEventListener("paste", (event) => {
      const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
      if (file) open(file, "pasted");
    });

    const slider = sd.slider({ label: "Opacity", min: 0, max: 1, step: 0.05, value: 0.6, format: sd.wholePercent, onInput: (value) => viewer.setOpacity(value) });
    const outlines = sd.check({ label: "Outlines", checked: true, onChange: (on) => viewer.setOutlines(on) });
    const hatching = sd.check({ label: "Hatch stuff", onChange: (on) => viewer.setHatching(on) });
    const save = sd.button("Save the map (PNG)", download);
    save.disabled = true;
    const task = sd.segmented({ label: "What is shown", options: [["semantic", "Semantic"], ["panoptic", "Panoptic"]], value: state.task, onChange: (chosen) => {
      state.task = chosen;
      show();
    } });
    const thresholdBox = e("details", { class: "sd-folded" }, e("summary", { text: "Thresholds" }), panel.thresholds);
    const examples = e("div", { class: "sd-examples" }, ...about.examples.map((example) => {
      const node = e("button", { type: "button", class: "sd-example", title: example.title }, e("img", { src: example.thumb, alt: "", loading: "lazy" }), e("span", { text: example.title }));
      node.addEventListener("click", () => openExample(example));
      return node;
    }));
    const drawn = about.examples.some((example) => example.drawn);

    root.append(
      e("header", { class: "sd-header" },
        e("div", { class: "sd-brand" }, e("h1", { text: about.title })),
        e("div", { class: "sd-row sd-source-buttons" }, sd.button("Open a photo", () => choose.click(), "sd-primary"), choose),
        e("p", { class: "sd-notice", text: "Or drop or paste one. It is segmented in this browser and goes nowhere." })),
      e("main", { class: "sd-main" },
        e("div", { class: "sd-left" },
          e("div", { class: "sd-seen" }, place),
          e("div", { class: "sd-tools" }, slider, outlines, hatching, save),
          note),
        e("div", { class: "sd-side" }, task, panel.element, thresholdBox, facts,
          ...(about.examples.length ? [sd.heading(drawn ? "Examples, drawn" : "Examples"), examples] : []))),
      e("footer", { class: "sd-footer" },
        e("span", { text: about.terms ? `Weights: ${about.terms}.` : about.checkpoint }),
        e("span", { text: `Network run by ONNX Runtime Web ${about.runtime} (MIT licence).` })));
    show();
    if (about.examples.length && !(/** @type {any} */ (navigator)).connection?.saveData) openExample(about.examples[0]);
    return { state, ask, open };
  };
})((window.segdemo ??= {}));
