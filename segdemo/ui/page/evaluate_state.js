// What the state and the address know of the tab Evaluate.
((sd) => {
  "use strict";

  const BAND = 3;

  /** What the canvas can show, and what it is called. */
  sd.ERROR_VIEWS = [["right", "Right / wrong"], ["kinds", "Kinds"], ["causes", "Where it entered"], ["lost", "Lost at layer"]];

  /** What the state knows of this tab: what is judged, what the canvas shows, the width of the boundary band, and the pixels of a number. */
  sd.EVALUATION = { judging: "semantic", errorView: "right", bandWidth: BAND, shownPixels: null, evaluation: null, labelsVersion: 0 };

  /** Write what is shown into an address. */
  sd.putEvaluation = (state, put) => {
    if (state.get("judging") !== "semantic") put("judge", state.get("judging"));
    if (state.get("errorView") !== "right") put("errors", state.get("errorView"));
    if (state.get("bandWidth") !== BAND) put("band", state.get("bandWidth"));
    put("pixels", state.get("shownPixels")?.join(","));
  };
  /** What an address says of this tab, as changes of the state. */
  sd.readEvaluation = (query) => {
    const found = {};
    if (query.get("judge") === "panoptic") found.judging = "panoptic";
    if (sd.ERROR_VIEWS.some(([view]) => view === query.get("errors"))) found.errorView = query.get("errors");
    const band = Number(query.get("band"));
    if (Number.isInteger(band) && band >= 1 && band <= 20) found.bandWidth = band;
    const parts = (query.get("pixels") ?? "").split(",").map((part) => (/^-?\d+$/.test(part) ? Number(part) : part));
    if (query.has("pixels") && parts.length <= 3 && parts.every((part) => /^[a-z ]+$|^-?\d+$/.test(String(part)))) found.shownPixels = parts;
    return found;
  };
})((window.segdemo ??= {}));
