// The page's side of the worker: a question returns a promise; progress comes in between.
((sd) => {
  "use strict";

  /** @param {(progress: {text: string, fraction: number|null}) => void} onProgress of the newest question */
  sd.createAsking = (onProgress) => {
    const open = new Map();
    let count = 0;
    let worker = null;

    const fail = (text) => {
      for (const { reject } of open.values()) reject(new Error(text));
      open.clear();
      worker?.terminate();
      worker = null;
    };

    const start = () => {
      worker = new Worker("worker.js");
      worker.onerror = (event) => {
        event.preventDefault();
        fail(`The part of this page that runs the network stopped (${event.message || "it could not be loaded"}): reload the page, or use a newer browser.`);
      };
      worker.onmessage = ({ data }) => {
        if (data.kind === "progress") {
          if (data.id === count) onProgress(data);
          return;
        }
        const waiting = open.get(data.id);
        open.delete(data.id);
        if (data.kind === "error") waiting?.reject(new Error(data.text));
        else waiting?.resolve(data);
      };
    };

    /** @returns {Promise<object>} the answer; rejects with a sentence */
    return (ask, values = {}) => new Promise((resolve, reject) => {
      if (!worker) start();
      count += 1;
      open.set(count, { resolve, reject });
      worker.postMessage({ id: count, ask, ...values });
    });
  };
})((window.segdemo ??= {}));
