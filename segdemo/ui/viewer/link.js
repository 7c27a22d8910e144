// Two viewers of one photo that move, point and are read together.
((sd) => {
  "use strict";

  /**
   * Let two viewers follow each other in zoom, pan and the pixel pointed at; the second begins where the first is.
   * @param {any} first
   * @param {any} second
   * @returns {() => void} ends it
   */
  sd.linkViewers = (first, second) => {
    let following = false;
    const follow = (from, to) => {
      from.onMove = () => {
        if (following) return;
        following = true;
        to.setView(from.view());
        following = false;
      };
      from.onPoint = (pixel) => to.point(pixel);
    };
    follow(first, second);
    follow(second, first);
    first.onMove();
    return () => {
      for (const viewer of [first, second]) {
        viewer.onMove = viewer.onPoint = null;
        viewer.point(null);
      }
    };
  };
})((window.segdemo ??= {}));
