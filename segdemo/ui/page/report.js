// The report: what is on screen and what was chosen, as one HTML file to hand on, with a title and a note.
((sd) => {
  "use strict";

  /** What was typed, the same in every tab and for the next photo. */
  const typed = { title: "", note: "" };

  /**
   * The form that makes a report.
   * @param {any} app @param {string} task `semantic` or `panoptic`: what the report shows first
   * @returns {HTMLElement}
   */
  sd.buildReport = (app, task) => {
    const e = sd.element;
    const { state } = app;
    const field = (tag, name, label, limit) => {
      const input = /** @type {HTMLInputElement} */ (e(tag, { maxlength: limit, ...(tag === "input" ? { type: "text" } : { rows: 3 }) }));
      input.addEventListener("input", () => {
        typed[name] = input.value;
      });
      return [input, e("label", {}, e("span", { text: label }), input)];
    };
    const [title, titleRow] = field("input", "title", "Title (one that names the photo, where empty)", 200);
    const [note, noteRow] = field("textarea", "note", "Note", 5000);
    const said = e("p", { class: "sd-help", role: "status" });

    /** The pixel, query and layer that were chosen, as far as the network has them. */
    const chosen = (run) => {
      const pixel = state.get("pixel");
      return {
        ...(pixel ? { pixel_x: pixel.x, pixel_y: pixel.y } : {}),
        ...(sd.lacking(run, "queries") ? {} : { query: state.get("query") }),
        ...(sd.lacking(run, "layers") ? {} : { layer: state.get("layer") }),
      };
    };
    const make = async () => {
      const run = state.get("run");
      if (!run) return;
      const asked = { token: run.token, ...state.get("thresholds"), ...sd.asSeen(app, task), ...chosen(run), title: title.value, note: note.value };
      try {
        await sd.handOut(app, button, "start_report", asked, ({ text }) => {
          said.textContent = text ?? "";
        });
      } finally {
        said.textContent = "";
        fit();
      }
    };
    const button = /** @type {HTMLButtonElement} */ (sd.button("Save the report", make));
    const fit = () => {
      button.disabled = !state.get("run") || Boolean(state.get("run").preview);
    };
    const box = e("details", { class: "sd-folded sd-report-box" },
      e("summary", { text: "Report: one HTML file to hand on" }),
      e("div", { class: "sd-report" },
        e("p", { class: "sd-help", text: "The photo with its classes, segments, layers, attention and features, the picked pixel, the evaluation where there are labels, and all settings. It opens from disk, asks no server, and prints on A4." }),
        titleRow, noteRow, button, said));
    box.addEventListener("toggle", () => {
      [title.value, note.value] = [typed.title, typed.note];
    });
    state.on(["run"], fit);
    fit();
    return box;
  };
})((window.segdemo ??= {}));
