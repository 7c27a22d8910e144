// The worker's door: one question a message, one answer each, in the order of the questions.
((sd) => {
  "use strict";

  /** Answer the page's messages: {id, ask, ...}; what fails comes back as a sentence. */
  sd.startWorking = (scope, about) => {
    let turn = Promise.resolve();
    let asking = 0;
    const { ort } = scope;
    ort.env.logLevel = "error";
    ort.env.wasm.wasmPaths = new URL("./", scope.location.href).href;
    // Threads need a page that is isolated from others, which its host must say in two headers.
    ort.env.wasm.numThreads = scope.crossOriginIsolated ? Math.min(4, scope.navigator.hardwareConcurrency || 1) : 1;
    const work = sd.createWork(about, ort, (kind, values) => scope.postMessage({ id: asking, kind, ...values }));
    scope.onmessage = ({ data }) => {
      turn = turn.then(async () => {
        asking = data.id;
        try {
          scope.postMessage({ id: data.id, kind: "answer", threads: ort.env.wasm.numThreads, ...(await work[data.ask](data)) });
        } catch (error) {
          const text = error instanceof RangeError ? "There is not enough memory in this browser: close other tabs, or choose a smaller photo." : /** @type {Error} */ (error).message ?? String(error);
          scope.postMessage({ id: data.id, kind: "error", text });
        }
      });
    };
  };
})((window.segdemo ??= {}));
