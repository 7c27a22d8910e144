// Talks with the server: runs with progress and cancel, look-ups where only the latest answer counts.
((sd) => {
  "use strict";

  const LOST = "The server does not answer. Your last result is still here; check the connection and try again.";

  /** Thrown for sentences the server sent, and for a server that is gone. */
  sd.ServerError = class extends Error {};
  /** Thrown when the server no longer keeps the photo. */
  sd.GoneError = class extends Error {};

  /**
   * @param {Object<string, Function>} server the component's server functions
   */
  sd.createClient = (server) => {
    const latest = new Map();
    // Visitors take turns on the server; this name is what it knows a visitor by, and is made anew with every page.
    const visitor = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

    /**
     * A photo that the page shows before the server has computed it: the token that stands for it, what can be answered
     * meanwhile, the promise of the server's own token, and what is called once somebody waits for that.
     * @type {{token: string, answers: Object<string, Function>, real: Promise<string>, onWait?: Function}|null}
     */
    let standIn = null;
    const waiting = new Set();
    const standInFor = (given) => {
      given.real.catch(() => null);
      standIn = given;
    };

    /** Call a server function with one argument object; what it asks of a photo that is being computed waits for it. */
    const call = async (name, argument = {}) => {
      if (standIn && argument.token === standIn.token) {
        const kept = standIn.answers[name]?.(argument);
        if (kept) return kept;
        const wish = {};
        waiting.add(wish);
        standIn.onWait?.();
        try {
          return await call(name, { ...argument, token: await standIn.real });
        } finally {
          waiting.delete(wish);
        }
      }
      const answer = await server[name](argument.binary ? argument : { visitor, ...argument });
      if (answer === undefined || answer === null) throw new sd.ServerError(LOST);
      if (answer.gone) throw new sd.GoneError("The photo is no longer kept on the server.");
      if (answer.error) throw new sd.ServerError(answer.error);
      return answer;
    };

    /**
     * Call where only the newest request of a `channel` matters: while one is under way the next waits, and of several
     * that wait only the last is sent. Resolves to null for those that were overtaken.
     */
    const callLatest = (channel, name, argument) =>
      new Promise((resolve, reject) => {
        const line = latest.get(channel) ?? { busy: false, next: null };
        latest.set(channel, line);
        line.next?.resolve(null);
        line.next = { name, argument, resolve, reject };
        const pump = async () => {
          if (line.busy || !line.next) return;
          const task = line.next;
          line.next = null;
          line.busy = true;
          try {
            const answer = await call(task.name, task.argument);
            task.resolve(line.next ? null : answer);
          } catch (error) {
            task.reject(error);
          } finally {
            line.busy = false;
            pump();
          }
        };
        pump();
      });

    /**
     * Start a job and follow it to its end.
     * @param {Function} begin async () => ({ticket})
     * @param {Function} onMessage called with each {text, fraction}
     * @param {Function} [onEarly] called once with what can be looked at before the result, where there is such
     * @returns {{done: Promise<Object|null>, cancel: Function}} `done` resolves to the last message, null if cancelled
     */
    const run = (begin, onMessage, onEarly = null) => {
      let ticket = null;
      let cancelled = false;
      const cancel = () => {
        cancelled = true;
        if (ticket) server.cancel({ ticket });
      };
      const follow = async () => {
        ({ ticket } = await begin());
        if (cancelled) server.cancel({ ticket });
        let version = 0;
        let failures = 0;
        let early = onEarly === null;
        for (;;) {
          let message;
          try {
            message = await call("poll", { ticket, version });
            failures = 0;
          } catch (error) {
            failures += 1;
            if (failures > 3) throw error;
            await new Promise((wake) => {
              setTimeout(wake, 500 * failures);
            });
            continue;
          }
          version = message.version;
          if (message.state === "done") return message;
          if (message.state === "cancelled") return null;
          if (message.state === "error") throw new sd.ServerError(message.text);
          if (!cancelled) onMessage(message);
          if (message.early && !early) {
            early = true;
            const found = await call("early", { ticket });
            if (!cancelled && Object.keys(found).length) await onEarly(found);
          }
        }
      };
      return { done: follow(), cancel };
    };

    return { call, callLatest, run, visitor, standInFor, waited: () => waiting.size > 0 };
  };
})((window.segdemo ??= {}));
