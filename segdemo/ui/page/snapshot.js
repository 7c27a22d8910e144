// The canvas as it stands, with its legend, as one PNG.
((sd) => {
  "use strict";

  const SCALE = 2;
  const PAD = 16;
  const ROW = 22;
  const COLUMN = 190;
  const GAP = 8;

  /** What the legend below the picture lists: colour, name, number of what is switched on. */
  const legendRows = (app) => {
    const { state } = app;
    const tab = state.get("tab");
    const own = sd.tabs.find(({ id }) => id === tab).legend;
    if (own) return own(app);
    if (["attention", "features"].includes(tab) || (tab === "semantic" && state.get("view") !== "classes")) return [];
    const on = ({ category_id: category, id }) => sd.isOn(app, category ?? id);
    const entries = tab === "panoptic" ? state.get("panoptic")?.segments ?? [] : tab === "whatif" && app.whatIf ? app.whatIf.entries : sd.currentClasses(app);
    return entries.filter(on).map((entry) => ({ color: entry.color, text: `${entry.name ?? entry.label}  ${sd.percent(entry.area)}` }));
  };

  /** The ring around the picked pixel, as on the page: white between two dark lines. */
  const drawMark = (context, x, y) => {
    context.globalAlpha = 1;
    for (const [color, thick] of [["rgb(0 0 0 / 65%)", 5], ["#ffffff", 2]]) {
      context.beginPath();
      context.arc(x, y, 8, 0, 2 * Math.PI);
      context.strokeStyle = color;
      context.lineWidth = thick;
      context.stroke();
    }
  };

  /** Draw what the viewer shows onto a context, at its place in the viewport. */
  const drawView = (context, element) => {
    const viewport = element.querySelector(".sdv-viewport");
    const frame = viewport.getBoundingClientRect();
    context.save();
    context.beginPath();
    context.rect(0, 0, frame.width, frame.height);
    context.clip();
    for (const layer of viewport.querySelectorAll(".sdv-photo, canvas")) {
      const box = layer.getBoundingClientRect();
      if (layer.hidden || !box.width || !(layer.width || layer.naturalWidth)) continue;
      context.globalAlpha = Number(getComputedStyle(layer).opacity);
      context.imageSmoothingEnabled = getComputedStyle(layer).imageRendering !== "pixelated";
      context.save();
      // A comparison cuts its two sides with inset(top right bottom left), in per cent of the layer.
      const cut = /inset\(0(?:px)? ([\d.]+)% 0(?:px)? ([\d.]+)?/.exec(layer.style.clipPath.replace(/0px/g, "0"));
      if (cut) {
        const [left, right] = [Number(cut[2] ?? 0) / 100, Number(cut[1]) / 100];
        context.beginPath();
        context.rect(box.left - frame.left + left * box.width, box.top - frame.top, box.width * (1 - left - right), box.height);
        context.clip();
      }
      context.drawImage(layer, box.left - frame.left, box.top - frame.top, box.width, box.height);
      context.restore();
    }
    const mark = element.querySelector(".sdv-pixel");
    if (!mark.hidden) {
      const { left, top } = mark.getBoundingClientRect();
      drawMark(context, left - frame.left, top - frame.top);
    }
    context.restore();
    return frame;
  };

  /** Draw a heatmap's legend in one line; returns its height. */
  const drawScale = (context, legend, top, width) => {
    if (!legend || legend.hidden) return 0;
    const bar = legend.querySelector(".sdv-legend-bar");
    const [low, high] = legend.querySelectorAll(".sdv-legend-scale span");
    const text = legend.querySelector(".sdv-legend-title").textContent;
    if (bar.hidden) {
      context.fillText(text, PAD, top + ROW / 2);
      return 2 * ROW + 12;
    }
    const colors = getComputedStyle(bar).backgroundImage.match(/rgb\([^)]*\)/g) ?? [];
    context.fillText(text, PAD, top + ROW / 2);
    const gradient = context.createLinearGradient(PAD, 0, width - PAD, 0);
    colors.forEach((color, index) => gradient.addColorStop(index / Math.max(1, colors.length - 1), color));
    context.fillStyle = gradient;
    context.fillRect(PAD, top + ROW, width - 2 * PAD, 8);
    context.fillStyle = "#3f3f46";
    context.fillText(low.textContent, PAD, top + ROW + 20);
    context.textAlign = "right";
    context.fillText(high.textContent, width - PAD, top + ROW + 20);
    context.textAlign = "left";
    return 2 * ROW + 12;
  };

  /**
   * Save what the canvas shows, with its legend below.
   * @param {Object} app
   * @returns {Promise<void>}
   */
  sd.saveView = async (app) => {
    const { state } = app;
    const viewers = [app.viewer, ...(app.beside ? [app.beside] : [])];
    for (const viewer of viewers) viewer.flush();
    const run = state.get("run");
    const rows = legendRows(app);
    /** @type {HTMLElement|null} */
    const legend = document.querySelector(".sdv-legend");
    const frames = viewers.map((viewer) => viewer.element.querySelector(".sdv-viewport").getBoundingClientRect());
    const width = frames.reduce((sum, frame) => sum + frame.width, GAP * (frames.length - 1));
    const height = Math.max(...frames.map((frame) => frame.height));
    const columns = Math.max(1, Math.floor((width - PAD) / COLUMN));
    const scale = legend && !legend.hidden ? 2 * ROW + 12 : 0;
    const below = PAD / 2 + scale + Math.ceil(rows.length / columns) * ROW + ROW + PAD / 2;
    const canvas = sd.element("canvas");
    canvas.width = Math.round(width * SCALE);
    canvas.height = Math.round((height + below) * SCALE);
    const context = canvas.getContext("2d");
    context.scale(SCALE, SCALE);
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, width, height + below);
    viewers.forEach((viewer, place) => {
      context.save();
      context.translate(place * (frames[0].width + GAP), 0);
      drawView(context, viewer.element);
      context.restore();
    });
    context.globalAlpha = 1;
    context.font = '13px "IBM Plex Sans", system-ui, sans-serif';
    context.textBaseline = "middle";
    context.fillStyle = "#18181b";
    const top = height + PAD / 2 + drawScale(context, legend, height + PAD / 2, width);
    rows.forEach(({ color, text }, index) => {
      const x = PAD + (index % columns) * COLUMN;
      const y = top + Math.floor(index / columns) * ROW;
      context.fillStyle = sd.rgb(color);
      context.fillRect(x, y + 4, 13, 13);
      context.fillStyle = "#18181b";
      context.fillText(text, x + 20, y + ROW / 2, COLUMN - 28);
    });
    context.fillStyle = "#52525b";
    const title = app.config.checkpoints.find(({ id }) => id === state.get("checkpoint"))?.title ?? "";
    context.fillText(`segdemo · ${title}${run.task ? ` · told ${run.task}` : ""}`, PAD, height + below - ROW / 2 - PAD / 4);
    const blob = await new Promise((resolve) => {
      canvas.toBlob(resolve, "image/png");
    });
    sd.saveBlob(blob, `${run.name}.${state.get("tab")}.view.png`);
  };
})((window.segdemo ??= {}));
