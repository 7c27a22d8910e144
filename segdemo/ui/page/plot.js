// A line plot over decoder layers, as inline SVG that follows the page's colours.
((sd) => {
  "use strict";

  const SPACE = "http://www.w3.org/2000/svg";
  const svg = (tag, attributes, text) => {
    const node = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    if (text !== undefined) node.textContent = text;
    return node;
  };

  /** What a plot's elements take from the page's style sheet. */
  const STYLED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity", "font-family", "font-size"];

  /**
   * A button that saves a plot as it looks now.
   * @param {SVGElement} root @param {string} name the file's, without its ending
   */
  sd.plotSaver = (root, name) => sd.button("Save the plot (SVG)", () => {
    const copy = /** @type {SVGElement} */ (root.cloneNode(true));
    const all = [...root.querySelectorAll("*")];
    [...copy.querySelectorAll("*")].forEach((node, place) => {
      const style = getComputedStyle(all[place]);
      for (const property of STYLED) node.setAttribute(property, style.getPropertyValue(property));
      for (const page of ["class", "tabindex", "role"]) node.removeAttribute(page);
    });
    const [, , width, height] = root.getAttribute("viewBox").split(" ");
    for (const [attribute, value] of Object.entries({ xmlns: SPACE, width, height })) copy.setAttribute(attribute, value);
    const ground = getComputedStyle(root.closest(".sd-app")).getPropertyValue("--sd-ground").trim();
    copy.prepend(svg("rect", { width, height, fill: ground || "#ffffff" }));
    sd.saveBlob(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }), `${name}.svg`);
  }, "sd-link sd-save-plot");

  /** A file's name out of words. */
  sd.fileName = (words) => words.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

  const WIDTH = 360;
  const HEIGHT = 132;
  const LEFT = 46;
  const RIGHT = 10;
  const TOP = 10;
  const BOTTOM = 22;

  /**
   * @param {{label: string, series: {name: string, values: (number|null)[], dash?: boolean}[], chosen: number|null}} data
   *   values lie in 0..1, one per layer from 0; the axis is fitted to them, in steps of five per cent
   */
  sd.linePlot = ({ label, series, chosen }) => {
    const count = series[0].values.length;
    const x = (layer) => LEFT + (layer * (WIDTH - LEFT - RIGHT)) / Math.max(count - 1, 1);
    const all = series.flatMap((line) => line.values.filter((value) => value !== null));
    const high = Math.max(0.05, Math.ceil(Math.max(...all) * 20 - 1e-9) / 20);
    const low = Math.max(0, Math.min(Math.floor(Math.min(...all) * 20 + 1e-9) / 20, high - 0.05));
    const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sd-plot", role: "img", "aria-label": label });
    for (const value of [low, (low + high) / 2, high]) {
      root.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "sd-plot-grid" }));
      root.append(svg("text", { x: LEFT - 6, y: y(value) + 4, class: "sd-plot-text", "text-anchor": "end" }, `${Number((value * 100).toFixed(1))} %`));
    }
    for (let layer = 0; layer < count; layer += 1) {
      root.append(svg("text", { x: x(layer), y: HEIGHT - 6, class: "sd-plot-text", "text-anchor": "middle" }, String(layer)));
    }
    if (chosen !== null) root.append(svg("line", { x1: x(chosen), x2: x(chosen), y1: TOP, y2: HEIGHT - BOTTOM, class: "sd-plot-chosen" }));
    series.forEach(({ values }, index) => {
      const points = values.map((value, layer) => (value === null ? null : `${x(layer)},${y(value)}`)).filter(Boolean);
      root.append(svg("polyline", { points: points.join(" "), class: `sd-plot-line sd-plot-${index}` }));
      values.forEach((value, layer) => {
        if (value === null) return;
        const dot = index === 0 ? svg("circle", { cx: x(layer), cy: y(value), r: 3 })
          : svg("rect", { x: x(layer) - 2.5, y: y(value) - 2.5, width: 5, height: 5 });
        dot.setAttribute("class", `sd-plot-dot sd-plot-${index}`);
        dot.append(svg("title", {}, `${layer === 0 ? "Initial prediction" : `Layer ${layer}`}: ${series[index].name} ${sd.percent(value)}`));
        root.append(dot);
      });
    });
    const keys = sd.element("div", { class: "sd-plot-keys" }, ...series.map(({ name }, index) =>
      sd.element("span", { class: `sd-plot-key sd-plot-key-${index}`, text: name })));
    return sd.element("figure", { class: "sd-figure" }, root, keys, sd.plotSaver(root, sd.fileName(label)));
  };
})((window.segdemo ??= {}));
