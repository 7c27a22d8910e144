// Before and after: two id maps beside a divider, in turn, or only where they differ.
((sd) => {
  "use strict";

  const BLINK_MS = 900;

  /**
   * @param {object} parts the frame's elements
   * @param {{onMove: () => void, onSwap: () => void}} handlers called when the divider moved, when the shown side
   *   of a blinking comparison changed
   */
  sd.createCompare = (parts, { onMove, onSwap }) => {
    const { divider, tagBefore, tagAfter, swap, frame } = parts;
    const compare = { data: null, position: 0.5, side: "after", x: 0 };
    const nameOf = (side) => compare.data?.names?.[side === "before" ? 0 : 1] ?? side;
    const capital = (text) => text[0].toUpperCase() + text.slice(1);
    let timer = 0;

    const isMode = (mode) => compare.data?.mode === mode;

    /** The columns of the viewport, in CSS pixels, between which the photo is to be seen. */
    const span = (view) => {
      const box = view.rectangle();
      return [Math.max(0, box.left), Math.min(view.width, box.left + box.width)];
    };

    const showSide = (side) => {
      compare.side = side;
      swap.textContent = capital(nameOf(side));
      swap.setAttribute("aria-label", `Showing ${nameOf(side)}. Stop and swap ${nameOf("before")} and ${nameOf("after")}`);
      parts.before.hidden = side !== "before";
      parts.overlay.hidden = side === "before";
      onSwap();
    };

    const stop = () => {
      window.clearInterval(timer);
      timer = 0;
    };

    /**
     * @param {null|{before: Uint8Array|Uint16Array, after: Uint8Array|Uint16Array, changed: Uint8Array,
     *   names?: string[], mode: "split"|"blink"|"changed"}} data `names` are those of the two, by default before and after
     */
    compare.set = (data) => {
      stop();
      compare.data = data;
      const split = isMode("split");
      tagBefore.textContent = capital(nameOf("before"));
      tagAfter.textContent = capital(nameOf("after"));
      divider.setAttribute("aria-label", `Divider between ${nameOf("before")} and ${nameOf("after")}`);
      divider.hidden = tagBefore.hidden = tagAfter.hidden = !split;
      swap.hidden = !isMode("blink");
      parts.overlay.hidden = false;
      parts.before.hidden = !split;
      for (const canvas of [parts.before, parts.overlay]) canvas.style.clipPath = "";
      compare.side = "after";
      if (isMode("blink")) {
        showSide("after");
        if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
          timer = window.setInterval(() => showSide(compare.side === "before" ? "after" : "before"), BLINK_MS);
        }
      }
    };

    /** Put the divider and the two halves where the view wants them. */
    compare.layout = (view) => {
      if (!isMode("split")) return;
      const [from, to] = span(view);
      const box = view.rectangle();
      compare.x = from + (to - from) * compare.position;
      const share = ((compare.x - box.left) / box.width) * 100;
      parts.before.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
      parts.overlay.style.clipPath = `inset(0 0 0 ${share}%)`;
      divider.style.transform = `translateX(${compare.x}px)`;
      divider.style.top = `${Math.max(0, box.top)}px`;
      divider.style.bottom = `${Math.max(0, view.height - box.top - box.height)}px`;
      const percent = Math.round(compare.position * 100);
      divider.setAttribute("aria-valuenow", String(percent));
      divider.setAttribute("aria-valuetext", `${percent} % ${nameOf("before")}, ${100 - percent} % ${nameOf("after")}`);
    };

    const moveTo = (position) => {
      compare.position = sd.clamp(position, 0, 1);
      onMove();
    };

    compare.listen = (view) => {
      const drag = (event) => {
        const [from, to] = span(view);
        moveTo((event.clientX - frame.getBoundingClientRect().left - from) / Math.max(1, to - from));
      };
      divider.addEventListener("pointerdown", (event) => {
        divider.setPointerCapture(event.pointerId);
        divider.focus({ preventScroll: true });
        event.preventDefault();
      });
      divider.addEventListener("pointermove", (event) => {
        if (divider.hasPointerCapture(event.pointerId)) drag(event);
      });
      divider.addEventListener("keydown", (event) => {
        const step = event.shiftKey ? 0.1 : 0.02;
        const targets = {
          ArrowLeft: compare.position - step,
          ArrowDown: compare.position - step,
          ArrowRight: compare.position + step,
          ArrowUp: compare.position + step,
          Home: 0,
          End: 1,
        };
        if (!(event.key in targets)) return;
        event.preventDefault();
        moveTo(targets[event.key]);
      });
      swap.addEventListener("click", () => {
        stop();
        showSide(compare.side === "before" ? "after" : "before");
      });
    };

    compare.stop = stop;
    return compare;
  };

  /** 1 where two id maps differ. */
  sd.difference = (before, after) => Uint8Array.from(before, (id, i) => (id === after[i] ? 0 : 1));
})((window.segdemo ??= {}));
