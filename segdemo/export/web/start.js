// Starts the page, or the worker, whichever runs this.
((sd) => {
  "use strict";

  const root = typeof document === "undefined" ? null : document.getElementById("page");
  if (root && sd.about) {
    sd.followTheme();
    sd.page = sd.startAlone(root, sd.about);
  } else if (!root && sd.about) sd.startWorking(window, sd.about);
})((window.segdemo ??= {}));
