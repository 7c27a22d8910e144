// Downloads at the photo's own size: id map, segments, overlay.
((sd) => {
  "use strict";

  /** Hand a file to the browser. */
  sd.saveBlob = (blob, name) => {
    const link = sd.element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  /** Hand a file to the browser that the server sent in base64. */
  sd.saveFile = ({ name, mime, data }) => {
    const binary = atob(data);
    sd.saveBlob(new Blob([Uint8Array.from(binary, (character) => character.charCodeAt(0))], { type: mime }), name);
  };

  /** What a download needs to be what is on screen, but for the thresholds of segments. */
  sd.asSeen = (app, task) => {
    const { state } = app;
    const on = state.get("visible");
    return {
      task, opacity: state.get("opacity"), outlines: state.get("outlines"), hatching: state.get("hatching"), view: task === "semantic" ? state.get("view") : "classes",
      show_classes: on ? [...on].join(",") || "none" : "", ...sd.refinementOf(app, task),
    };
  };

  /** Have the server make a file and hand it to the browser; the button waits meanwhile. `told` gets what is done. */
  sd.handOut = async (app, button, name, values, told = () => {}) => {
    button.disabled = true;
    button.classList.add("sd-waiting");
    try {
      await app.guard(async () => {
        const message = await app.client.run(() => app.client.call(name, values), told).done;
        if (message) sd.saveFile(message.file);
      });
    } finally {
      button.disabled = !app.state.get("run");
      button.classList.remove("sd-waiting");
    }
  };

  /** What a button does that fetches a file of the result on screen and hands it to the browser. */
  sd.fetchFile = (app, task, kind) => async (event) => {
    const run = app.state.get("run");
    if (!run) return;
    const extra = task === "panoptic" ? app.state.get("thresholds") : {};
    await sd.handOut(app, event.currentTarget, "start_download", { token: run.token, kind, ...sd.asSeen(app, task), ...extra });
  };

  /** Let buttons be used while there is a photo. */
  const whileThere = (app, buttons) => {
    const fit = () => {
      for (const button of buttons) button.disabled = !app.state.get("run");
    };
    app.state.on(["run"], fit);
    fit();
  };

  /** Downloads of a tab that has its view, and what `more` buttons there are, which `explanation` explains. */
  sd.viewDownloads = (app, explanation = "", ...more) => {
    const buttons = [sd.button("This view", () => sd.saveView(app)), ...more];
    whileThere(app, buttons);
    return sd.element("div", { class: "sd-downloads" },
      sd.heading("Download", `This view is what the canvas shows now, as a PNG.${explanation && ` ${explanation}`}`),
      sd.element("div", { class: "sd-row" }, ...buttons));
  };

  sd.buildDownloads = (app, task) => {
    const e = sd.element;
    const { state } = app;
    const instances = sd.button("Instances", sd.fetchFile(app, task, "instances"));
    const masks = sd.button("Masks", sd.fetchFile(app, task, "masks"));
    instances.hidden = true;
    if (task === "panoptic") {
      state.on(["panoptic"], () => {
        instances.hidden = !(state.get("panoptic")?.overlapping ?? false);
        masks.hidden = !instances.hidden;
      });
    }
    const buttons = [
      sd.button("Id map", sd.fetchFile(app, task, "idmap")), sd.button("Segments", sd.fetchFile(app, task, "segments")), instances, masks, sd.button("Overlay", sd.fetchFile(app, task, "overlay")),
      sd.button("This view", () => sd.saveView(app)),
    ];
    whileThere(app, buttons);
    return e("div", { class: "sd-downloads" },
      sd.heading("Download", "The id map, the segments and the overlay are at the photo's own size. The id map is an index PNG (255 = none) for semantic results, and COCO's panoptic format for segments. Masks and instances are COCO's results: a mask each as run lengths, with its score; instances may overlap. This view is what the canvas shows now, with its legend."),
      e("div", { class: "sd-row" }, ...buttons), sd.buildReport(app, task));
  };
})((window.segdemo ??= {}));
