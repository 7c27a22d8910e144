// Heatmaps: a scalar map through a perceptually uniform colour map, and the legend that goes with it.
((sd) => {
  "use strict";

  /** Thirty-three evenly spaced colours of each map; between them it is linear. */
  const STOPS = {
    viridis:
      "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e 26828e 23898e " +
      "21918c 1f988b 1fa088 22a785 28ae80 32b67a 3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725",
    magma:
      "000004 030312 0a0822 130d34 1d1147 29115a 36106b 440f76 51127c 5d177f 6a1c81 762181 832681 902a81 9c2e7f aa337d " +
      "b73779 c43c75 d0416f dc4869 e75263 ef5d5e f56b5c f9795d fc8961 fd9869 fea772 feb67c fec488 fed395 fde2a3 fcf0b2 fcfdbf",
    cividis:
      "00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d 5a5f6e 61656f 686a71 6f7073 767676 " +
      "7d7c78 848279 8c8878 938e78 9b9476 a39a74 aba072 b4a76f bcae6c c4b468 cdbb63 d5c25e dec958 e7d150 f0d846 f9e03a fee838",
  };

  /** @returns {number[][]} the stops as [r, g, b] */
  const stops = (name) =>
    (STOPS[name] ?? STOPS.viridis)
      .split(" ")
      .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

  /** The colour map as 256 canvas words. */
  sd.colormap = (name) => {
    const colors = stops(name);
    return Uint32Array.from({ length: 256 }, (_, value) => {
      const place = (value / 255) * (colors.length - 1);
      const low = Math.min(Math.floor(place), colors.length - 2);
      const mix = (k) => Math.round(colors[low][k] + (colors[low + 1][k] - colors[low][k]) * (place - low));
      return sd.word(mix(0), mix(1), mix(2), 255);
    });
  };

  /** Values between min and max as bytes; bytes are taken as they are, 0 for min and 255 for max. */
  const toBytes = ({ data, min, max }) => {
    if (!(data instanceof Float32Array)) return data;
    const scale = max > min ? 255 / (max - min) : 0;
    return Uint8ClampedArray.from(data, (value) => (value - min) * scale);
  };

  /** A value for the legend: two or three significant digits, no needless zeros. */
  const format = (value) => {
    const size = Math.abs(value);
    if (size !== 0 && size < 0.001) return value.toExponential(1);
    return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
  };

  /**
   * @param {HTMLCanvasElement} canvas for the map, at the map's own resolution
   * @param {{root: HTMLElement, title: HTMLElement, bar: HTMLElement, low: HTMLElement, high: HTMLElement}} legend
   */
  sd.createHeat = (canvas, legend) => {
    const raster = sd.createRaster(canvas);
    let shown = null;
    let common = 1;
    let own = null;
    const heat = {};

    const applyOpacity = () => {
      canvas.style.opacity = String(own ?? common);
    };

    const withUnit = (value, unit) => {
      if (unit === "%") return sd.percent(value);
      return unit ? `${format(value)} ${unit}` : format(value);
    };

    heat.set = (map) => {
      shown = map;
      canvas.hidden = legend.root.hidden = !map;
      if (!map) return;
      raster.resize(map.width, map.height);
      legend.bar.hidden = Boolean(map.colours);
      if (map.colours) raster.paintColours(map.colours);
      else raster.paintValues(toBytes(map), sd.colormap(map.colormap));
      own = map.opacity ?? null;
      applyOpacity();
      canvas.style.imageRendering = map.pixelated ? "pixelated" : "auto";
      legend.title.textContent = map.title ?? "";
      legend.low.textContent = map.colours ? "" : withUnit(map.min, map.unit);
      legend.high.textContent = map.colours ? "" : withUnit(map.max, map.unit);
      const colors = stops(map.colormap).map(([r, g, b]) => `rgb(${r} ${g} ${b})`);
      legend.bar.style.backgroundImage = `linear-gradient(to right, ${colors.join(", ")})`;
    };

    /** The viewer's opacity, which holds while the heatmap has none of its own. */
    heat.setCommonOpacity = (value) => {
      common = value;
      applyOpacity();
    };

    /** An opacity of the heatmap's own, 0..1, or null. */
    heat.setOpacity = (value) => {
      own = value === null ? null : sd.clamp(value, 0, 1);
      applyOpacity();
    };

    /** @returns {string|null} the value at image coordinates as text, e.g. "entropy 0.93" */
    heat.valueAt = (x, y) => {
      if (!shown || shown.colours) return null;
      const raw = shown.data[sd.cell(x, shown.width) + sd.cell(y, shown.height) * shown.width];
      const value =
        shown.data instanceof Float32Array ? raw : shown.min + ((shown.max - shown.min) * raw) / 255;
      return `${shown.noun ?? "value"} ${withUnit(Number(value.toPrecision(2)), shown.unit)}`;
    };

    heat.at = (x, y) => {
      if (!shown) return [0, 0, 0, 0];
      const [r, g, b, a] = raster.at(x, y);
      return [r, g, b, a * (own ?? common)];
    };

    heat.describe = () =>
      shown?.colours ? `Picture: ${shown.title}.` : shown
        ? `Heatmap: ${shown.title ?? "values"} from ${withUnit(shown.min, shown.unit)} to ` +
          `${withUnit(shown.max, shown.unit)}.`
        : "";
    return heat;
  };
})((window.segdemo ??= {}));
