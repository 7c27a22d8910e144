// The labels of a photo: what they were read as, and how a visitor gives others.
((sd) => {
  "use strict";

  const FORMS = [
    ["auto", "Told by the file"], ["index", "Indices of the checkpoint's classes"], ["ade20k", "ADE20K: index + 1, 0 = no label"],
    ["cityscapes", "Cityscapes label ids"], ["panoptic", "COCO panoptic: PNG and JSON"], ["coco", "COCO objects: JSON"],
    ["colours", "Colours with a palette file"],
  ];
  const ABOUT = "A PNG whose values are classes (the checkpoint's own indices, ADE20K's, Cityscapes' label ids), COCO's panoptic PNG with its JSON, COCO's objects as JSON, or a PNG in colours with a file that names them. It must have the photo's own size. Classes are matched by name. The labels stay with your photo, go when it goes, and nobody else sees them.";

  /**
   * @param {any} app
   * @param {{changed: () => void}} page called once there are other labels
   * @returns {HTMLElement & {show: (labels: Object|null) => void, giveAgain: (labels: Object|null) => void}}
   */
  sd.buildLabels = (app, { changed }) => {
    const e = sd.element;
    const { state, client, config } = app;
    let files = [];
    /** What the server has read of the photo on screen: it may have to make room for others, and is then sent again. */
    let given = null;
    const said = e("p", { class: "sd-note-text" });
    const problem = e("p", { class: "sd-flag", role: "alert", hidden: true });
    const input = e("input", { type: "file", multiple: "", accept: ".png,.json,.txt,.csv,.yaml,.yml", class: "sd-hidden", tabindex: "-1", "aria-label": "Choose a label file, or two" });
    const choose = sd.button("Open labels", () => input.click());
    const form = sd.select({ label: "They are", options: FORMS, value: "auto", onChange: () => files.length && send() });
    form.hidden = true;
    const complain = (text) => {
      problem.hidden = !text;
      problem.textContent = text ?? "";
    };

    const send = async () => {
      const run = state.get("run");
      if (!run || run.shipped || run.preview) return;
      complain(null);
      const size = files.reduce((sum, file) => sum + file.size, 0);
      if (files.length > 2) complain("These are more than two files: choose the labels, and at most one file that says what they mean.");
      else if (size > config.limits.bytes) complain(`${files.length > 1 ? "These files have" : "This file has"} ${(size / 1e6).toFixed(0)} MB; at most ${(config.limits.bytes / 1e6).toFixed(0)} MB are taken.`);
      if (!problem.hidden) return;
      const request = {
        token: run.token, sizes: files.map((file) => file.size), form: form.input.value, photo: run.fileName ?? run.name, visitor: client.visitor,
      };
      choose.disabled = true;
      app.viewer.setProgress({ text: "Reading the labels", fraction: null });
      try {
        await app.guard(async () => {
          const file = new File(files, files[0].name);
          const mine = client.run(() => client.call("start_labels", { binary: true, data: { file, request: JSON.stringify(request) } }), (message) => app.viewer.setProgress(message));
          try {
            const message = await mine.done;
            if (message && state.get("run") === run) {
              given = { input: run.input, files, form: form.input.value, said: message.labels.said };
              changed();
            }
          } catch (error) {
            if (!(error instanceof sd.ServerError)) throw error;
            complain(`${files.map((one) => one.name).join(", ")}: ${error.message}`);
            problem.scrollIntoView({ block: "nearest" });
          }
        });
      } finally {
        choose.disabled = false;
        form.hidden = false;
        app.viewer.setProgress(null);
      }
    };
    input.addEventListener("change", () => {
      files = [...input.files];
      input.value = "";
      form.input.value = "auto";
      if (files.length) send();
    });

    const box = e("div", { class: "sd-labels" }, sd.heading("Labels", ABOUT), said, problem, e("div", { class: "sd-row" }, choose, form), input);
    box.show = (labels) => {
      said.textContent = labels?.said ?? "";
      said.hidden = !labels;
      choose.textContent = labels ? "Replace labels" : "Open labels";
      choose.classList.toggle("sd-primary", !labels);
    };
    state.on(["run"], () => {
      const run = state.get("run");
      choose.disabled = !run || run.shipped || run.preview;
      complain(null);
      form.hidden = true;
      files = [];
    });
    /** Send the labels of this photo again where the server has others, or none; `labels` are those that it has. */
    box.giveAgain = (labels) => {
      const run = state.get("run");
      if (!given || given.input !== run?.input || labels?.said === given.said) return;
      files = given.files;
      form.input.value = given.form;
      given = null;
      send();
    };
    box.show(null);
    return box;
  };
})((window.segdemo ??= {}));
