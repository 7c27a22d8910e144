// What the Compare tab puts on the canvases: both maps in joint classes, where they differ, and the pixels of a number.
((sd) => {
  "use strict";

  const NOTHING = 65535;
  /** @type {[string, number[]][]} */
  const DIFFERENCE = [["Same class", [232, 236, 240]], ["Different", [213, 94, 0]], ["A class that one side does not know", [204, 121, 167]]];
  /** @type {[string, number[]][]} */
  const PARTS = [["In both", [0, 114, 178]], ["Only in A", [230, 159, 0]], ["Only in B", [204, 121, 167]]];

  /** Decode what the server found. */
  sd.decodeComparison = async (answer) => {
    const [height, width] = answer.difference.shape;
    const maps = await Promise.all(answer.maps.map(sd.unpack));
    const sure = await Promise.all(answer.sure.map(async (plane) => plane && { data: await sd.unpack(plane), height: plane.shape[0], width: plane.shape[1] }));
    const outcomes = answer.outcomes && { ...answer.outcomes, maps: await Promise.all(answer.outcomes.maps.map(sd.unpack)) };
    const byId = new Map(answer.classes.map((entry) => [entry.id, entry]));
    return { ...answer, width, height, maps, sure, outcomes, byId, difference: await sd.unpack(answer.difference) };
  };

  /** An outcome in words. */
  sd.outcomeWords = (name) => ({ right: "Right", wrong: "Wrong", ignored: "No label" }[name] ?? sd.errorWords.causes[name]?.[0] ?? name);

  /** The pixels behind a number: 1 where they are, or null for a number that is not there. */
  sd.pairMask = ({ maps: [first, second], difference, outcomes, byId }, [what, ...which]) => {
    const make = (test) => Uint8Array.from(difference, (value, i) => (test(value, i) ? 1 : 0));
    const place = (name) => outcomes?.names.indexOf(name) ?? -1;
    switch (what) {
      case "same": return make((value) => value === 0);
      case "different": return make((value) => value > 0);
      case "unmatched": return make((value) => value === 2);
      case "class": return byId.has(which[0]) ? make((_, i) => first[i] === which[0] || second[i] === which[0]) : null;
      case "change": {
        const [from, to] = which.map(place);
        return from < 0 || to < 0 ? null : make((_, i) => outcomes.maps[0][i] === from && outcomes.maps[1][i] === to);
      }
      case "in": {
        const [side, outcome] = [["a", "b"].indexOf(which[0]), place(which[1])];
        return side < 0 || outcome < 0 ? null : make((_, i) => outcomes.maps[side][i] === outcome);
      }
      default: return null;
    }
  };

  /** What the pixels behind a number are, in words. */
  sd.pairWords = ({ byId }, [what, ...which]) => {
    const words = { same: "the same class in both", different: "another class in A than in B", unmatched: "a class that one side does not know" };
    if (what === "class") return `${byId.get(which[0])?.label ?? "a class"} in A or in B`;
    if (what === "in") return `${sd.outcomeWords(which[1]).toLowerCase()} in ${which[0].toUpperCase()}`;
    if (what === "change") return `${sd.outcomeWords(which[0]).toLowerCase()} in A, ${sd.outcomeWords(which[1]).toLowerCase()} in B`;
    return words[what];
  };

  const nameOf = ({ byId }, id) => byId.get(id)?.label ?? "no class";

  /** What a canvas says of a pixel: its own side's class first, then the other's. */
  const words = (found, side) => (x, y) => {
    const at = sd.cell(x, found.width) + sd.cell(y, found.height) * found.width;
    const ids = found.maps.map((map) => map[at]);
    const sure = found.sure.map((plane) => (plane ? ` ${plane.data[sd.cell(x, plane.width) + sd.cell(y, plane.height) * plane.width]} %` : ""));
    const told = (which) => `${nameOf(found, ids[which])}${ids[which] === NOTHING ? "" : sure[which]}`;
    const other = 1 - side;
    const letter = "AB"[other];
    const rest = [ids[0] === ids[1] ? `the same in ${letter}${sure[other]}` : `${letter}: ${told(other)}`];
    if (found.outcomes) {
      const outcome = found.outcomes.maps.map((map) => found.outcomes.names[map[at]]);
      if (outcome[side] !== "ignored") {
        rest.push(outcome[0] === outcome[1] ? `both ${sd.outcomeWords(outcome[0]).toLowerCase()}` : [0, 1].map((which) => `${"AB"[which]} ${sd.outcomeWords(outcome[which]).toLowerCase()}`).join(", "));
      }
    }
    return { color: found.byId.get(ids[side])?.color ?? null, name: `${"AB"[side]}: ${told(side)}`, rest: rest.join("  ") };
  };

  const noun = ["class", "classes"];

  /** The map of side 0 or 1, where a mask is 1. */
  sd.sideMap = (found, side, mask) => {
    const { width, height, classes } = found;
    const ids = mask ? Uint16Array.from(found.maps[side], (id, i) => (mask[i] ? id : NOTHING)) : found.maps[side];
    const entries = new Map(classes.map((entry) => [entry.id, { ...entry, area: side ? entry.second : entry.first }]).filter(([, { area }]) => area > 0));
    return { width, height, ids, none: NOTHING, entries, noun, words: words(found, side) };
  };

  /** Where the two differ, where a mask is 1; of a class, what is in both and in one alone. */
  sd.differenceMap = (found, mask, which) => {
    const { width, height } = found;
    const [first, second] = found.maps;
    const ofClass = which?.[0] === "class" ? which[1] : null;
    const rows = ofClass === null ? DIFFERENCE : PARTS;
    const counts = [0, 0, 0];
    const ids = Uint8Array.from(found.difference, (value, i) => {
      if (mask && !mask[i]) return 255;
      const id = ofClass === null ? value : first[i] !== ofClass ? 2 : second[i] !== ofClass ? 1 : 0;
      counts[id] += 1;
      return id;
    });
    const entries = new Map();
    rows.forEach(([label, color], id) => {
      if (counts[id]) entries.set(id, { id, label, color, isthing: false, hatched: id === 1, area: counts[id] / ids.length });
    });
    return { width, height, ids, none: 255, entries, noun: ["kind of pixels", "kinds of pixels"], words: words(found, 0) };
  };
})((window.segdemo ??= {}));
