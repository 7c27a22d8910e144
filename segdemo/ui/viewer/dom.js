// The viewer's elements. Text goes in as text only, so labels and file names cannot become markup.
((sd) => {
  "use strict";

  let count = 0;

  /** Create an element with attributes (`text` for its text, `hidden` as a property) and children. */
  sd.element = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") node.textContent = value;
      else if (name === "hidden") node.hidden = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };

  const icon = (path) => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const button = (name, label, path) =>
    sd.element("button", { type: "button", class: `sdv-button sdv-${name}`, title: label, "aria-label": label }, icon(path));

  /**
   * Build the viewer's frame inside a container.
   * @param {HTMLElement} container emptied first
   * @param {{controls: boolean, legend?: HTMLElement|null}} options whether the strip has zoom buttons; where a heatmap's
   *   legend goes, by default below the strip
   */
  sd.buildFrame = (container, { controls, legend = null }) => {
    const e = sd.element;
    const id = `sd-viewer-${(count += 1)}`;
    const parts = { id };
    const canvas = (name) => (parts[name] = e("canvas", { class: `sdv-layer sdv-${name}`, "aria-hidden": "true" }));
    const part = (name, tag, attributes, ...children) =>
      (parts[name] = e(tag, { class: `sdv-${name}`, ...attributes }, ...children));

    part("photo", "img", { class: "sdv-layer sdv-photo", alt: "", draggable: "false", hidden: true });
    part("stage", "div", {}, parts.photo, canvas("dim"), canvas("before"), canvas("overlay"), canvas("heat"), canvas("light"));
    parts.light.hidden = true;
    part("viewport", "div",
      { tabindex: "0", role: "application", "aria-roledescription": "photo viewer", "aria-label": "Photo viewer",
        "aria-describedby": `${id}-description ${id}-keys` },
      parts.stage, canvas("lines"), canvas("selection"),
      part("pixel", "div", { hidden: true }), part("cursor", "div", { hidden: true }));
    part("empty", "div", { text: "No photo yet." });
    part("divider", "div",
      { hidden: true, tabindex: "0", role: "slider", "aria-label": "Divider between before and after",
        "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100", "aria-controls": id },
      e("span", { class: "sdv-grip" }, icon("M6 4 2.5 8 6 12M10 4 13.5 8 10 12")));
    part("tagBefore", "div", { class: "sdv-tag sdv-tag-before", text: "Before", hidden: true });
    part("tagAfter", "div", { class: "sdv-tag sdv-tag-after", text: "After", hidden: true });
    part("name", "div", { class: "sdv-tag sdv-tag-before", hidden: true });
    part("swap", "button", { type: "button", class: "sdv-tag sdv-swap", hidden: true });
    part("bar", "div", { role: "progressbar", "aria-label": "Progress", hidden: true }, e("span"));
    part("progress", "div", { class: "sdv-note sdv-progress", role: "status" });
    parts.messageText = e("span", {});
    parts.messageClose = button("message-close", "Close this message (Esc)", "M4 4l8 8M12 4l-8 8");
    part("message", "div", { class: "sdv-note sdv-message", role: "status", hidden: true }, parts.messageText, parts.messageClose);
    parts.progress.hidden = true;
    part("legendTitle", "div", { class: "sdv-legend-title" });
    part("legendBar", "div", { class: "sdv-legend-bar" });
    part("legendLow", "span", {});
    part("legendHigh", "span", {});
    part("legend", "div", { hidden: true },
      parts.legendTitle, e("div", { class: "sdv-legend-scale" }, parts.legendLow, parts.legendBar, parts.legendHigh));
    part("drop", "div", { hidden: true }, e("span", { text: "Drop the photo to segment it" }));
    part("frame", "div", { id },
      parts.viewport, parts.empty, parts.divider, parts.tagBefore, parts.tagAfter, parts.name, parts.swap,
      e("div", { class: "sdv-notes" }, parts.progress, parts.message), parts.bar, parts.drop);

    part("readout", "div", {});
    part("zoomText", "output", { class: "sdv-zoom-text", "aria-label": "Zoom", text: "100 %" });
    parts.zoomOut = button("zoom-out", "Zoom out (-)", "M3 8h10");
    parts.zoomIn = button("zoom-in", "Zoom in (+)", "M3 8h10M8 3v10");
    parts.zoomFit = button("zoom-fit", "Fit the whole photo (0)", "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10");
    const zoom = e("div", { class: "sdv-zoom", role: "group", "aria-label": "Zoom" },
      parts.zoomOut, parts.zoomText, parts.zoomIn, parts.zoomFit);
    zoom.hidden = !controls;
    part("strip", "div", {}, parts.readout, zoom);
    part("description", "div", { class: "sdv-hidden sdv-description", id: `${id}-description` });
    part("live", "div", { class: "sdv-hidden sdv-live", "aria-live": "polite" });
    const keys = e("div", { class: "sdv-hidden", id: `${id}-keys`, text:
      "Arrow keys move a cursor over the photo, with Shift in bigger steps; Enter picks the pixel; plus, minus and " +
      "0 zoom; square brackets change the opacity; Escape clears the selection." });
    part("root", "div", { class: "sd-viewer" }, parts.frame, parts.strip, parts.description, parts.live, keys);
    container.replaceChildren(parts.root);
    if (legend) legend.append(parts.legend);
    else parts.root.append(parts.legend);
    return parts;
  };
})((window.segdemo ??= {}));
