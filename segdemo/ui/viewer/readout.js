// What the viewer says in words: the read-out under the photo and the text alternative of the whole picture.
((sd) => {
  "use strict";

  /** A share as per cent with the digits that matter: 41 %, 3.2 %, 0.08 %, and 100 % only for the whole. */
  sd.percent = (share) => {
    const value = share * 100;
    if (value === 0) return "0 %";
    if (value < 0.01) return "< 0.01 %";
    if (value < 100 && value >= 99.5) return value < 99.95 ? `${value.toFixed(1)} %` : "> 99.9 %";
    const digits = value >= 9.95 ? 0 : value >= 0.995 ? 1 : 2;
    return `${value.toFixed(digits)} %`;
  };

  /** A share 0..1 as whole percent, never rounding something to nothing or a part to the whole. */
  sd.wholePercent = (share) => {
    if (share > 0 && share < 0.01) return "< 1 %";
    if (share < 1 && share > 0.99) return share >= 0.995 ? "> 99 %" : "99 %";
    return `${Math.round(share * 100)} %`;
  };

  /** The value that stands for "none" in a plane of ids. */
  const none = (plane) => (plane instanceof Uint8Array ? 255 : 65535);

  /**
   * Everything known about one pixel.
   * @param {object} scene the viewer's state: map, planes, idsAt, entries
   * @returns {{id: number|null, entry: object|null, classId: number|null, label: string|null, probability:
   *   number|null, runner: string|null, runnerProbability: number|null, query: number|null, entropy: number|null}}
   *   `label` and what follows come from the planes and are null without them; `entropy` is 0..1
   */
  sd.lookUp = ({ map, planes, idsAt, entries, pixel }, x, y) => {
    const found = { id: null, entry: null, classId: null, label: null, probability: null, runner: null,
      runnerProbability: null, query: null, entropy: null };
    if (map) {
      const id = idsAt(x, y)[sd.cell(x, map.width) + sd.cell(y, map.height) * map.width];
      found.entry = entries().get(id) ?? null;
      found.id = found.entry ? id : null;
    }
    if (planes) {
      const i = sd.cell(x, planes.width) + sd.cell(y, planes.height) * planes.width;
      const named = (plane) => (plane && plane[i] !== none(plane) ? plane[i] : null);
      const share = (plane) => (plane ? plane[i] / 255 : null);
      found.classId = named(planes.topId);
      found.label = found.classId === null ? null : planes.classLabel(found.classId);
      found.probability = share(planes.top);
      const runner = named(planes.runner);
      found.runner = runner === null ? null : planes.classLabel(runner);
      found.runnerProbability = share(planes.runnerProb);
      found.query = named(planes.query);
      found.entropy = share(planes.entropy);
      // The picked pixel is known better than the small planes know it.
      const same = (one, two, count) => sd.cell(one, count) === sd.cell(two, count);
      if (pixel?.exact && same(pixel.x, x, planes.width) && same(pixel.y, y, planes.height)) Object.assign(found, pixel.exact, { exact: true });
    }
    return found;
  };

  /** What an entry is called: a segment has a name of its own, "car 2", beside its class's label. */
  const nameOf = (entry) => entry.name ?? entry.label;

  /** Whether the planes' best class is what the map shows at this pixel. */
  const agrees = ({ entry, label }, map) => label !== null && (entry ? entry.label === label : !map);

  const nounOf = (map) => map.noun ?? ["class", "classes"];

  /**
   * The parts of the read-out line.
   * @param {object} found what lookUp found
   * @param {object|null} map the map that is shown
   * @param {string|null} heatValue the heatmap's value as text
   * @returns {{color: number[]|null, name: string, rest: string}}
   */
  sd.readoutParts = (found, map, heatValue) => {
    const { entry, label } = found;
    const name = entry ? nameOf(entry) : (map ? `no ${nounOf(map)[0]}` : (label ?? "nothing"));
    const rest = [];
    const asPercent = found.exact ? sd.percent : sd.wholePercent;
    if (label !== null) {
      const sure = found.probability === null ? "" : asPercent(found.probability);
      const runner = found.runner === null || !found.runnerProbability
        ? "" : `(${found.runner} ${asPercent(found.runnerProbability)})`;
      rest.push([agrees(found, map) ? sure : `best class ${label} ${sure}`, runner].filter(Boolean).join("  "));
    } else if (typeof entry?.score === "number") rest.push(sd.wholePercent(entry.score));
    if (found.query !== null) rest.push(`query ${found.query}`);
    if (heatValue) rest.push(heatValue);
    return { color: entry?.color ?? null, name, rest: rest.join("  ") };
  };

  /**
   * @param {HTMLElement} strip filled with a colour swatch, a name and the rest; empty without a pixel
   * @param {() => string} idle what the strip says while nothing is pointed at
   */
  sd.createReadout = (strip, idle) => {
    const swatch = sd.element("span", { class: "sdv-swatch", "aria-hidden": "true" });
    const name = sd.element("b", { class: "sdv-name" });
    const rest = sd.element("span", { class: "sdv-rest" });
    strip.replaceChildren(swatch, name, rest);
    const readout = {};
    // The same words written again would be laid out and painted again, with every frame.
    const write = (node, text) => {
      if (node.textContent !== text) node.textContent = text;
    };

    readout.show = (parts) => {
      strip.classList.toggle("sdv-idle", !parts);
      swatch.hidden = !parts?.color;
      if (parts?.color) swatch.style.backgroundColor = `rgb(${parts.color.join(" ")})`;
      write(name, parts ? parts.name : "");
      write(rest, parts ? (parts.rest ? `  ${parts.rest}` : "") : idle());
    };
    readout.show(null);
    return readout;
  };

  const LISTED = 8;

  /**
   * The picture as sentences, for people who do not see it.
   * @param {object} scene the viewer's state
   * @param {string} heat the heatmap's sentence, or ""
   */
  sd.describe = ({ photo, map, visible, selected }, heat) => {
    if (!photo) return "No photo yet.";
    const subject = photo.alt ? `Photo (${photo.alt})` : "Photo";
    if (!map) return heat ? `${subject}. ${heat}` : `${subject}, not segmented yet.`;
    const entries = [...map.entries].sort(([, one], [, two]) => (two.area ?? 0) - (one.area ?? 0));
    if (!entries.length) return [`${subject}, nothing found in it.`, heat].filter(Boolean).join(" ");
    const [one, many] = nounOf(map);
    const listed = entries.slice(0, LISTED).map(([, entry]) =>
      typeof entry.area === "number" ? `${nameOf(entry)} ${sd.wholePercent(entry.area)}` : nameOf(entry));
    const more = entries.length > LISTED ? ` and ${entries.length - LISTED} more` : "";
    const sentences = [
      `${subject} with ${entries.length} ${entries.length === 1 ? one : many}: ${listed.join(", ")}${more}.`,
    ];
    if (visible) {
      const shown = entries.filter(([id]) => visible.has(id));
      if (!shown.length) sentences.push("None of them is shown.");
      else if (shown.length < entries.length) {
        sentences.push(`Shown: ${shown.slice(0, LISTED).map(([, entry]) => nameOf(entry)).join(", ")}` +
          `${shown.length > LISTED ? ` and ${shown.length - LISTED} more` : ""}.`);
      }
    }
    const chosen = map.entries.get(selected);
    if (chosen) sentences.push(`Selected: ${nameOf(chosen)}.`);
    if (heat) sentences.push(heat);
    return sentences.join(" ");
  };
})((window.segdemo ??= {}));
