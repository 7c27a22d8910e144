// Downloads at the photo's own size: id map, segments, overlay.
((sd) => {
  "use strict";

  const save = ({ name, mime, data }) => {
    const binary = atob(data);
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const link = sd.element("a", { href: URL.createObjectURL(new Blob([bytes], { type: mime })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  sd.buildDownloads = (app, task) => {
    const e = sd.element;
    const { state, client } = app;
    const fetchAndSave = (kind) => async (event) => {
      const button = event.currentTarget;
      const run = state.get("run");
      if (!run) return;
      button.disabled = true;
      button.classList.add("sd-waiting");
      try {
        await app.guard(async () => {
          const extra = task === "panoptic" ? app.panopticOptions : {};
          const mine = client.run(() => client.call("start_download", {
            token: run.token, task, kind, opacity: state.get("opacity"), outlines: state.get("outlines"), ...extra, ...sd.refinementOf(app, task),
          }), () => {});
          const message = await mine.done;
          if (message) save(message.file);
        });
      } finally {
        button.disabled = false;
        button.classList.remove("sd-waiting");
      }
    };
    return e("div", { class: "sd-downloads" },
      sd.heading("Download", "At the photo's own size. The id map is an index PNG (255 = none) for semantic results, and COCO's panoptic format for segments."),
      e("div", { class: "sd-row" },
        sd.button("Id map", fetchAndSave("idmap")), sd.button("Segments", fetchAndSave("segments")), sd.button("Overlay", fetchAndSave("overlay"))));
  };
})((window.segdemo ??= {}));
