// Quick answers while a slider moves; once it rests, the exact one: what a download holds.
((sd) => {
  "use strict";

  const REST_MS = 600;

  /**
   * Follows quick answers of one tab with the exact one.
   * @param {Object} app the page
   * @param {string} task which tab's: "semantic" or "panoptic"
   * @returns {{stop: HTMLElement, follow: Function, cancel: Function}} `stop` is the button that ends it, hidden while
   *   nothing runs
   */
  sd.createExact = (app, task) => {
    const { client, viewer } = app;
    let timer = null;
    let running = null;

    const cancel = () => {
      clearTimeout(timer);
      running?.cancel();
    };
    const stop = sd.button("Stop the exact version", cancel, "sd-quiet");
    stop.hidden = true;

    const start = (asked, accept) => app.guard(async () => {
      const mine = client.run(() => client.call("start_refinement", { ...asked, task }), (message) => viewer.setProgress(message));
      running = mine;
      stop.hidden = false;
      try {
        const message = await mine.done;
        if (running === mine && message) await accept(message.result);
      } finally {
        if (running === mine) {
          running = null;
          stop.hidden = true;
          viewer.setProgress(null);
        }
      }
    });

    /** Ask for the exact answer to the same arguments, unless something else is asked before the visitor rests. */
    const follow = (asked, accept) => {
      cancel();
      timer = setTimeout(() => start(asked, accept), REST_MS);
    };
    return { stop, follow, cancel };
  };
})((window.segdemo ??= {}));
