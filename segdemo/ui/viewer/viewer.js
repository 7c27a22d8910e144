// The canvas viewer: one photo, its segmentation and what is asked of it, put together for the page.
((sd) => {
  "use strict";

  const reducedMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const GLIDE_MS = 160;

  /**
   * Build a viewer inside a container. Coordinates in callbacks and calls are image coordinates, 0..1 on both axes.
   * @param {HTMLElement} container emptied first
   * @param {{onPick?: (pixel: object) => void, onHover?: (pixel: object|null) => void, onView?: (view: object) =>
   *   void, onClear?: () => void, onFile?: (file: File) => void, controls?: boolean, legend?: HTMLElement,
   *   dropZone?: Document|HTMLElement}} options `pixel` is what
   *   `sd.lookUp` found, with x, y, column, row (photo pixels) and source "mouse", "touch", "pen" or "keyboard";
   *   `view` is {zoom, x, y, opacity}; `onClear` is Escape; `controls: false` leaves out the zoom buttons; `legend`
   *   takes a heatmap's legend; files may be dropped on `dropZone`, by default the viewer
   */
  sd.createViewer = (container, options = {}) => {
    const { onPick, onHover, onView, onClear, onFile, controls = true, legend = null, dropZone = null } = options;
    const parts = sd.buildFrame(container, { controls, legend });
    const view = sd.createView();
    const heat = sd.createHeat(parts.heat, {
      root: parts.legend, title: parts.legendTitle, bar: parts.legendBar, low: parts.legendLow, high: parts.legendHigh,
    });
    const compare = sd.createCompare(parts, { onMove: () => scene.layout(), onSwap: () => scene.touch("lines") });
    const scene = sd.createScene(parts, view, heat, compare);
    const readout = sd.createReadout(parts.readout, () => {
      if (!scene.photo) return "";
      return window.matchMedia("(pointer: coarse)").matches
        ? "Tap the photo to read and pick a pixel." : "Point to read a pixel; click to pick it.";
    });
    /** `onMove`: the view has changed; `onPoint`: another pixel is pointed at, by pointer or key, or none. */
    const viewer = { element: parts.root, onMove: null, onPoint: null };
    let gliding = 0;
    /** Where the glide under way ends; null while there is none. */
    let goal = null;

    const describe = () => sd.describe(scene, heat.describe());
    const refreshWords = () => {
      parts.description.textContent = describe();
    };

    const emitView = () => onView?.({ zoom: view.zoom, x: view.x, y: view.y, opacity: scene.opacity });

    scene.onLayout = () => {
      parts.zoomText.textContent = `${Math.round(view.zoom * 100)} %`;
      parts.viewport.classList.toggle("sdv-zoomed", view.zoom > 1);
      parts.zoomOut.disabled = parts.zoomFit.disabled = !scene.photo || view.zoom <= 1;
      parts.zoomIn.disabled = !scene.photo || view.zoom >= view.maxZoom();
      viewer.onMove?.();
    };

    /** Change the view at once, or in a short glide. */
    const changeView = (change, smooth = false) => {
      window.cancelAnimationFrame(gliding);
      const from = view.rectangle();
      const zoom = view.zoom;
      // A change during a glide starts from where that was going, so that two quick clicks zoom twice.
      if (goal) Object.assign(view, goal);
      goal = null;
      change();
      view.settle();
      if (!smooth || reducedMotion()) {
        scene.layout();
        emitView();
        return;
      }
      const to = view.rectangle();
      goal = { zoom: view.zoom, x: view.x, y: view.y };
      const target = goal;
      const start = performance.now();
      // Rectangles mixed linearly keep the point that both zooms leave in place.
      const step = (now) => {
        const time = sd.clamp((now - start) / GLIDE_MS, 0, 1);
        const eased = 1 - (1 - time) ** 3;
        view.zoom = zoom + (target.zoom - zoom) * eased;
        const { width, height } = view.rectangle();
        view.x = (view.width / 2 - (from.left + (to.left - from.left) * eased)) / width;
        view.y = (view.height / 2 - (from.top + (to.top - from.top) * eased)) / height;
        if (time < 1) gliding = window.requestAnimationFrame(step);
        else {
          Object.assign(view, target);
          goal = null;
        }
        scene.layout();
        if (time >= 1) emitView();
      };
      step(start);
    };

    /** The pixel at image coordinates with what is known about it, or null outside the photo. */
    const pixelInfo = (x, y, source) =>
      scene.photo && x >= 0 && x < 1 && y >= 0 && y < 1
        ? { x, y, source, column: sd.cell(x, scene.photo.width), row: sd.cell(y, scene.photo.height),
            ...sd.lookUp(scene, x, y) }
        : null;

    /** The pixel that the read-out is about. */
    let reading = null;
    const words = () => {
      if (!reading || !(scene.map || scene.planes || scene.heat)) return null;
      const { x, y } = reading;
      if (scene.map?.words) return scene.map.words(x, y);
      return sd.readoutParts(sd.lookUp(scene, x, y), scene.map, heat.valueAt(x, y));
    };
    const read = (pixel) => {
      reading = pixel;
      readout.show(words());
    };
    scene.onPaint = () => readout.show(words());

    const hover = (pixel) => {
      read(pixel);
      viewer.onPoint?.(pixel);
      onHover?.(pixel);
    };

    const pick = (pixel) => {
      if (!pixel) return;
      read(pixel);
      onPick?.(pixel);
    };

    const at = (point, source) => {
      const { x, y } = view.toImage(point.x, point.y);
      return pixelInfo(x, y, source);
    };

    const setCursor = (cursor) => {
      scene.cursor = cursor;
      scene.layout();
    };

    sd.listenToPointers(parts.viewport, {
      hover: (point) => {
        if (scene.cursor && point) setCursor(null);
        hover(point && at(point, "mouse"));
      },
      pick: (point, source) => pick(at(point, source)),
      zoom: (factor, point, smooth) => changeView(() => view.zoomAt(factor, point.x, point.y), smooth),
      pan: (dx, dy) => changeView(() => view.panBy(dx, dy)),
      zoomed: () => view.zoom > 1,
    });

    sd.listenToKeys(parts.viewport, {
      step: (dx, dy, big) => {
        if (!scene.photo) return;
        const from = scene.cursor ?? scene.pixel ?? view.toImage(view.width / 2, view.height / 2);
        const box = view.rectangle();
        // From pixel centre to pixel centre, by at least four CSS pixels.
        const along = (place, direction, pixels, size) => {
          const stride = Math.max(1, Math.round((4 * pixels) / size)) * (big ? 8 : 1);
          return (sd.clamp(sd.cell(place, pixels) + direction * stride, 0, pixels - 1) + 0.5) / pixels;
        };
        const x = along(from.x, dx, scene.photo.width, box.width);
        const y = along(from.y, dy, scene.photo.height, box.height);
        scene.cursor = { x, y };
        changeView(() => view.reveal(x, y, Math.min(48, view.width / 4, view.height / 4)));
        const pixel = pixelInfo(x, y, "keyboard");
        read(pixel);
        const spoken = words();
        parts.live.textContent = spoken ? `${spoken.name} ${spoken.rest}` : "";
        viewer.onPoint?.(pixel);
        onHover?.(pixel);
      },
      pick: () => {
        const from = scene.cursor ?? scene.pixel ?? view.toImage(view.width / 2, view.height / 2);
        pick(pixelInfo(from.x, from.y, "keyboard"));
      },
      zoomBy: (factor) => viewer.zoomBy(factor),
      fit: () => viewer.fit(),
      fade: (change) => {
        viewer.setOpacity(Math.round((scene.opacity + change) * 20) / 20);
        parts.live.textContent = `Opacity ${sd.wholePercent(scene.opacity)}`;
        emitView();
      },
      clear: () => {
        viewer.select(null);
        viewer.setPixel(null);
        onClear?.();
      },
      leave: () => {
        if (!scene.cursor) return;
        setCursor(null);
        viewer.onPoint?.(null);
      },
    });

    compare.listen(view);
    if (onFile) sd.listenToDrops(dropZone ?? parts.root, parts.drop, onFile);
    parts.messageClose.addEventListener("click", () => viewer.setMessage(null));
    parts.zoomIn.addEventListener("click", () => viewer.zoomBy(1.5));
    parts.zoomOut.addEventListener("click", () => viewer.zoomBy(1 / 1.5));
    parts.zoomFit.addEventListener("click", () => viewer.fit());

    const observer = new ResizeObserver(() => {
      view.width = Math.max(1, parts.viewport.clientWidth);
      view.height = Math.max(1, parts.viewport.clientHeight);
      view.settle();
      scene.layout();
    });
    observer.observe(parts.viewport);

    Object.assign(viewer, sd.viewerCalls({ parts, scene, view, heat, changeView, refreshWords, describe }));
    /** Mark and read a pixel that is pointed at elsewhere; null ends it. @param {{x: number, y: number}|null} place */
    viewer.point = (place) => {
      if (place || scene.cursor) setCursor(place && { x: place.x, y: place.y });
      read(place && pixelInfo(place.x, place.y, "linked"));
    };
    viewer.destroy = () => {
      observer.disconnect();
      compare.stop();
      parts.root.remove();
    };
    viewer.setOpacity(scene.opacity);
    viewer.clear();
    return viewer;
  };
})((window.segdemo ??= {}));
