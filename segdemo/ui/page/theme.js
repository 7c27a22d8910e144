// Light or dark, as the system has it, for pages without a server.
((sd) => {
  "use strict";

  /** Follow the system's light or dark. */
  sd.followTheme = () => {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
    dark.addEventListener("change", follow);
    follow();
  };
})((window.segdemo ??= {}));
