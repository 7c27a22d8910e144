// What page and worker share: how large a picture is made that may have so many pixels.
((sd) => {
  "use strict";

  /** What `about.js` says of the checkpoint and its files; nothing where there is none. */
  sd.about = sd.about ?? null;

  /** Height and width of at most `pixels`, in the same proportion. */
  sd.within = (height, width, pixels) => {
    const scale = Math.min(1, Math.sqrt(pixels / (height * width)));
    return { height: Math.max(1, Math.floor(height * scale)), width: Math.max(1, Math.floor(width * scale)) };
  };
})((window.segdemo ??= {}));
