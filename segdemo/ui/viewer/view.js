// Where the photo lies in the viewport: fit, zoom, pan, and the way between screen and image coordinates.
((sd) => {
  "use strict";

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  sd.clamp = clamp;

  /**
   * A view holds the zoom (1 = the whole photo fits) and the image point at the viewport's centre. Image
   * coordinates run from 0 to 1 on both axes; viewport coordinates are CSS pixels from its top left corner.
   */
  sd.createView = () => {
    const view = { width: 1, height: 1, imageWidth: 1, imageHeight: 1, zoom: 1, x: 0.5, y: 0.5 };

    /** CSS pixels per image pixel when the whole photo fits. */
    view.fitScale = () => Math.min(view.width / view.imageWidth, view.height / view.imageHeight);

    /** Beyond this one image pixel is 24 CSS pixels wide, and zooming further shows nothing new. */
    view.maxZoom = () => Math.max(8, 24 / view.fitScale());

    /**
     * The photo's rectangle in the viewport.
     * @returns {{left: number, top: number, width: number, height: number, fit: number}}
     */
    view.rectangle = () => {
      const fit = view.fitScale();
      const width = view.imageWidth * fit * view.zoom;
      const height = view.imageHeight * fit * view.zoom;
      return { left: view.width / 2 - view.x * width, top: view.height / 2 - view.y * height, width, height, fit };
    };

    /** Keep the zoom in range and the photo's edges outside the viewport's, or the photo centred. */
    view.settle = () => {
      view.zoom = clamp(view.zoom, 1, view.maxZoom());
      const { width, height } = view.rectangle();
      const halfX = view.width / 2 / width;
      const halfY = view.height / 2 / height;
      view.x = halfX >= 0.5 ? 0.5 : clamp(view.x, halfX, 1 - halfX);
      view.y = halfY >= 0.5 ? 0.5 : clamp(view.y, halfY, 1 - halfY);
    };

    /** Viewport pixels to image coordinates; outside the photo they leave 0..1. */
    view.toImage = (px, py) => {
      const box = view.rectangle();
      return { x: (px - box.left) / box.width, y: (py - box.top) / box.height };
    };

    /** Image coordinates to viewport pixels. */
    view.toScreen = (x, y) => {
      const box = view.rectangle();
      return { x: box.left + x * box.width, y: box.top + y * box.height };
    };

    /** Zoom by a factor so that the image point under viewport pixel (px, py) stays there. */
    view.zoomAt = (factor, px, py) => {
      const anchor = view.toImage(px, py);
      view.zoom = clamp(view.zoom * factor, 1, view.maxZoom());
      const { width, height } = view.rectangle();
      view.x = anchor.x + (view.width / 2 - px) / width;
      view.y = anchor.y + (view.height / 2 - py) / height;
      view.settle();
    };

    /** Move the photo by CSS pixels. */
    view.panBy = (dx, dy) => {
      const { width, height } = view.rectangle();
      view.x -= dx / width;
      view.y -= dy / height;
      view.settle();
    };

    /** Move just enough that the image point is at least `margin` CSS pixels inside the viewport. */
    view.reveal = (x, y, margin) => {
      const at = view.toScreen(x, y);
      view.panBy(
        clamp(at.x, margin, view.width - margin) - at.x,
        clamp(at.y, margin, view.height - margin) - at.y,
      );
    };

    view.fitAll = () => Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    return view;
  };
})((window.segdemo ??= {}));
