// The keyboard on the photo: a pixel cursor, picking, zoom, opacity and clearing the selection.
((sd) => {
  "use strict";

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /**
   * @param {HTMLElement} viewport acts on keys while it has the focus itself
   * @param {{step: (dx: number, dy: number, big: boolean) => void, pick: () => void, zoomBy: (factor: number) =>
   *   void, fit: () => void, fade: (change: number) => void, clear: () => void, leave: () => void}} handlers
   */
  sd.listenToKeys = (viewport, handlers) => {
    const actions = {
      Enter: () => handlers.pick(),
      "+": () => handlers.zoomBy(1.5),
      "=": () => handlers.zoomBy(1.5),
      "-": () => handlers.zoomBy(1 / 1.5),
      _: () => handlers.zoomBy(1 / 1.5),
      0: () => handlers.fit(),
      "[": () => handlers.fade(-0.1),
      "]": () => handlers.fade(0.1),
      Escape: () => handlers.clear(),
    };
    viewport.addEventListener("keydown", (event) => {
      // Brackets need AltGr on many keyboards, which can arrive as Ctrl + Alt.
      const command = event.ctrlKey && !event.altKey && !event.getModifierState("AltGraph");
      if (event.target !== viewport || command || event.metaKey) return;
      const arrow = ARROWS[event.key];
      if (!arrow && !Object.hasOwn(actions, event.key)) return;
      event.preventDefault();
      if (arrow) handlers.step(arrow[0], arrow[1], event.shiftKey);
      else actions[event.key]();
    });
    viewport.addEventListener("blur", () => handlers.leave());
  };
})((window.segdemo ??= {}));
