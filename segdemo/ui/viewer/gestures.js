// Pointer, wheel and touch on the photo: hover, pick, pan, zoom and pinch, without taking the page's own scrolling.
((sd) => {
  "use strict";

  const DOUBLE_MS = 320;

  /**
   * @param {HTMLElement} viewport
   * @param {{hover: (point: {x: number, y: number}|null) => void,
   *   pick: (point: {x: number, y: number}, source: string) => void,
   *   zoom: (factor: number, point: {x: number, y: number}, smooth: boolean) => void,
   *   pan: (dx: number, dy: number) => void, zoomed: () => boolean}} handlers points in CSS pixels of the viewport
   */
  sd.listenToPointers = (viewport, handlers) => {
    /** Pointers that are down: id -> last place. */
    const down = new Map();
    let press = null;
    let lastTap = null;

    const place = (event) => {
      const box = viewport.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
    const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

    const tap = (point, event) => {
      const again = lastTap && event.timeStamp - lastTap.time < DOUBLE_MS && distance(point, lastTap.point) < 24;
      lastTap = again ? null : { point, time: event.timeStamp };
      if (again) handlers.zoom(event.shiftKey ? 0.5 : 2, point, true);
      else handlers.pick(point, event.pointerType || "mouse");
    };

    viewport.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button !== 0) return;
      const point = place(event);
      viewport.setPointerCapture(event.pointerId);
      down.set(event.pointerId, point);
      press = { start: point, moved: down.size > 1, slack: event.pointerType === "mouse" ? 4 : 10 };
    });

    viewport.addEventListener("pointermove", (event) => {
      const point = place(event);
      const before = down.get(event.pointerId);
      if (!before) {
        if (event.pointerType !== "touch") handlers.hover(point);
        return;
      }
      if (down.size === 2) {
        const other = [...down].find(([id]) => id !== event.pointerId)[1];
        const from = middle(before, other);
        const to = middle(point, other);
        // Zooming first makes the room that panning needs.
        handlers.zoom(distance(point, other) / Math.max(1, distance(before, other)), from, false);
        handlers.pan(to.x - from.x, to.y - from.y);
        down.set(event.pointerId, point);
        return;
      }
      if (!press.moved && distance(point, press.start) <= press.slack) return;
      press.moved = true;
      if (handlers.zoomed()) {
        viewport.classList.add("sdv-panning");
        handlers.pan(point.x - before.x, point.y - before.y);
      }
      down.set(event.pointerId, point);
    });

    const release = (event) => {
      if (!down.delete(event.pointerId)) return;
      if (event.type === "pointerup" && !down.size && !press.moved) tap(place(event), event);
      if (!down.size) viewport.classList.remove("sdv-panning");
    };
    viewport.addEventListener("pointerup", release);
    viewport.addEventListener("pointercancel", release);
    viewport.addEventListener("lostpointercapture", release);
    viewport.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") handlers.hover(null);
    });

    // One finger scrolls the page unless the photo is zoomed; two fingers are always the photo's.
    for (const type of /** @type {const} */ (["touchstart", "touchmove"])) {
      viewport.addEventListener(type, (event) => {
        const ours = event.touches.length > 1 || (type === "touchmove" && handlers.zoomed());
        if (ours && event.cancelable) event.preventDefault();
      }, { passive: false });
    }

    viewport.addEventListener("wheel", (event) => {
      const asked = event.ctrlKey || event.metaKey;
      const leaving = event.deltaY > 0 && !handlers.zoomed();
      if (!asked && (!viewport.matches(":focus") || leaving)) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const speed = event.ctrlKey && Math.abs(event.deltaY) < 40 ? 0.01 : 0.0018;
      handlers.zoom(Math.exp(-sd.clamp(event.deltaY * lines, -300, 300) * speed), place(event), false);
    }, { passive: false });
  };

  /**
   * Take a file dropped anywhere on the viewer.
   * @param {HTMLElement} root
   * @param {HTMLElement} target shown while a file is dragged over
   * @param {(file: File) => void} onFile
   */
  sd.listenToDrops = (root, target, onFile) => {
    const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
    const show = (shown) => {
      target.hidden = !shown;
    };
    for (const type of /** @type {const} */ (["dragenter", "dragover"])) {
      root.addEventListener(type, (event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        show(true);
      });
    }
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(/** @type {Node|null} */ (event.relatedTarget))) show(false);
    });
    root.addEventListener("drop", (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      event.stopPropagation();
      show(false);
      const file = event.dataTransfer.files[0];
      if (file) onFile(file);
    });
  };
})((window.segdemo ??= {}));
