// Small controls that every panel uses: labelled sliders, switches, choices, explanations, numbers.
((sd) => {
  "use strict";

  let count = 0;
  const unique = (stem) => `sd-${stem}-${(count += 1)}`;

  /** Seconds as measured: 0.31 s, 4.1 s, 12 s; short ones in ms. */
  sd.duration = (seconds) => {
    if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
    return `${seconds.toFixed(seconds < 1 ? 2 : seconds < 10 ? 1 : 0)} s`;
  };

  sd.rgb = (color) => `rgb(${color.join(" ")})`;

  /** A colour chip; stuff is hatched, things are solid, so that hue is not all there is. */
  sd.chip = (color, isthing) => {
    const node = sd.element("span", { class: `sd-chip ${isthing ? "sd-thing" : "sd-stuff"}`, "aria-hidden": "true" });
    node.style.setProperty("--sd-chip", sd.rgb(color));
    return node;
  };

  /** An (i) that opens one or two sentences. */
  sd.info = (term, text) => {
    const id = unique("info");
    const body = sd.element("span", { class: "sd-info-text", id, role: "note", text });
    body.hidden = true;
    const button = sd.element("button", {
      type: "button", class: "sd-info", "aria-label": `What is: ${term}`, "aria-expanded": "false", "aria-controls": id, text: "i",
    });
    button.addEventListener("click", () => {
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    });
    return [button, body];
  };

  /**
   * A button that opens a box beside it; Esc and a click anywhere else close it.
   * @returns {HTMLElement & {button: HTMLElement, close: Function}}
   */
  sd.popover = ({ label, content, kind = "" }) => {
    const id = unique("popover");
    const body = sd.element("div", { class: "sd-popover-body", id }, content);
    const button = sd.button("", () => set(body.hidden), "sd-popover-button");
    button.append(label);
    button.setAttribute("aria-controls", id);
    const box = sd.element("div", { class: `sd-popover ${kind}`.trim() }, button, body);
    const set = (open) => {
      body.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
    };
    box.close = () => set(false);
    box.button = button;
    document.addEventListener("pointerdown", (event) => {
      if (!box.contains(event.target)) set(false);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || body.hidden) return;
      event.stopPropagation();
      set(false);
      button.focus();
    });
    set(false);
    return box;
  };

  /** A heading with its explanation. */
  sd.heading = (text, explanation) => {
    const [button, body] = explanation ? sd.info(text, explanation) : [];
    const title = sd.element("h2", { class: "sd-heading" }, sd.element("span", { text }));
    if (button) title.append(button);
    return sd.element("div", { class: "sd-heading-row" }, title, ...(body ? [body] : []));
  };

  /**
   * A labelled slider.
   * @param {{label: string, min: number, max: number, step: number, value: number, format?: (value: number) => string,
   *   help?: string, onInput: (value: number) => void}} options
   * @returns {HTMLElement & {input: HTMLInputElement, set: (value: number) => void, reset?: () => void}}
   */
  sd.slider = ({ label, min, max, step, value, format = String, help = "", onInput }) => {
    const id = unique("slider");
    const output = sd.element("output", { class: "sd-number", for: id });
    const input = sd.element("input", { type: "range", id, min, max, step });
    const show = () => {
      output.textContent = format(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
      const share = (Number(input.value) - Number(min)) / (Number(max) - Number(min));
      input.style.setProperty("--sd-fill", `${share * 100}%`);
    };
    const row = sd.element("div", { class: "sd-slider" },
      sd.element("div", { class: "sd-slider-head" }, sd.element("label", { for: id, text: label }), output), input);
    if (help) row.append(sd.element("p", { class: "sd-help", text: help }));
    row.set = (next) => {
      input.value = String(next);
      show();
    };
    row.input = input;
    input.addEventListener("input", () => {
      show();
      onInput(Number(input.value));
    });
    row.set(value);
    return row;
  };

  /** A check box. */
  sd.check = ({ label, checked = false, onChange, help = "" }) => {
    const id = unique("check");
    const input = sd.element("input", { type: "checkbox", id });
    input.checked = checked;
    input.addEventListener("change", () => onChange(input.checked));
    const row = sd.element("div", { class: "sd-check" }, input, sd.element("label", { for: id, text: label }));
    if (help) row.append(sd.element("p", { class: "sd-help", text: help }));
    row.input = input;
    return row;
  };

  /** One of a few, as a row of buttons (a radio group). */
  sd.segmented = ({ label, options, value, onChange }) => {
    const name = unique("choice");
    const group = sd.element("div", { class: "sd-segmented", role: "radiogroup", "aria-label": label });
    for (const [key, text] of options) {
      const id = unique("option");
      const input = sd.element("input", { type: "radio", name, id, value: key });
      input.checked = key === value;
      input.addEventListener("change", () => onChange(key));
      group.append(input, sd.element("label", { for: id, text }));
    }
    group.set = (key) => {
      for (const input of group.querySelectorAll("input")) input.checked = input.value === key;
    };
    return group;
  };

  /**
   * A select with a visible or hidden label.
   * @param {{label: string, options: Array, value?: any, onChange: (value: string) => void, hideLabel?: boolean}} options
   */
  sd.select = ({ label, options, value, onChange, hideLabel = false }) => {
    const id = unique("select");
    const input = sd.element("select", { id });
    input.addEventListener("change", () => onChange(input.value));
    const row = sd.element("div", { class: "sd-select" },
      sd.element("label", { for: id, text: label, class: hideLabel ? "sd-hidden" : "" }), input);
    row.setOptions = (entries, chosen) => {
      input.replaceChildren(...entries.map(([key, text]) => sd.element("option", { value: key, text })));
      if (chosen !== undefined) input.value = String(chosen);
    };
    row.input = input;
    row.setOptions(options, value);
    return row;
  };

  sd.button = (text, onClick, kind = "") => {
    const node = sd.element("button", { type: "button", class: `sd-action ${kind}`.trim(), text });
    node.addEventListener("click", onClick);
    return node;
  };

  /** Run a function at most once per animation frame, with the last arguments. */
  sd.perFrame = (callback) => {
    let args = null;
    return (...next) => {
      const idle = args === null;
      args = next;
      if (idle) {
        requestAnimationFrame(() => {
          const last = args;
          args = null;
          callback(...last);
        });
      }
    };
  };
})((window.segdemo ??= {}));
