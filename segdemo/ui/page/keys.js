// Keys that work anywhere on the page where no text is typed, and the list of all of them.
((sd) => {
  "use strict";

  const KEYS = [
    ["Tab, Shift + Tab", "go from control to control"],
    ["← →", "on the tabs: another view; in Decoder layers: another layer"],
    ["↑ ↓", "in a list of queries: another query"],
    ["Space", "play or pause the decoder layers"],
    ["x", "in Compare: swap A and B"],
    ["[ ]", "less or more opacity"],
    ["← → ↑ ↓, Shift", "on the photo: move the cursor, in bigger steps with Shift"],
    ["Enter", "on the photo: pick the pixel under the cursor"],
    ["+ − 0", "on the photo: zoom in, zoom out, fit"],
    ["Esc", "close what is open, then let go of the selection"],
    ["?", "this list"],
  ];

  /** Whether a key belongs to the thing that has the focus. */
  const typing = (target) => target.closest("textarea, select, input:not([type=range], [type=checkbox], [type=radio])");

  /**
   * @param {{root: HTMLElement, state: any, viewer: any, clearSelection: Function, playLayers?: Function, swapSides?: Function}} app
   * @returns {Function} opens the list of keys
   */
  sd.listenForKeys = (app) => {
    const e = sd.element;
    const { state, viewer } = app;
    const show = () => {
      const dialog = e("dialog", { class: "sd-dialog sd-keys", "aria-label": "Keys" },
        e("h2", { class: "sd-heading", text: "Keys" }),
        e("dl", {}, ...KEYS.flatMap(([keys, what]) => [e("dt", { text: keys }), e("dd", { text: what })])),
        sd.button("Close", () => dialog.close()));
      dialog.addEventListener("close", () => dialog.remove());
      app.root.append(dialog);
      dialog.showModal();
    };

    const fade = (change) => state.set({ opacity: sd.clamp(Math.round((state.get("opacity") + change) * 20) / 20, 0, 1) });
    document.addEventListener("keydown", (event) => {
      const at = event.target instanceof Element ? event.target : document.body;
      if (event.defaultPrevented || at.closest("dialog")) return;
      if (event.key === "Escape") {
        if (viewer.hasMessage()) viewer.setMessage(null);
        else app.clearSelection();
        return;
      }
      if (typing(at) || event.ctrlKey || event.metaKey) return;
      if (event.key === "?") show();
      else if (event.key === "[") fade(-0.1);
      else if (event.key === "]") fade(0.1);
      else if (event.key === "x" && state.get("tab") === "compare") app.swapSides?.();
      else if (event.key === " " && state.get("tab") === "layers" && !at.closest("button:not([role=tab]), summary, input:not([type=range]), [role=option]")) app.playLayers?.();
      else return;
      event.preventDefault();
    });
    return show;
  };
})((window.segdemo ??= {}));
