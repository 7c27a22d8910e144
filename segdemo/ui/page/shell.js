// The page's frame: header, tabs, canvas, side panel. Panels and the canvas fill it; on a phone the order changes.
((sd) => {
  "use strict";

  const NARROW = "(width < 900px)";

  /** A row of tabs after the WAI-ARIA pattern: arrows move, Home and End jump, the chosen one is in the tab order. */
  const buildTabs = (tabs, choose) => {
    const list = sd.element("div", { class: "sd-tabs", role: "tablist", "aria-label": "Views of the result" });
    let group = null;
    const buttons = tabs.map(({ id, title, question }) => {
      if (question !== group) list.append(sd.element("span", { class: "sd-tab-group", "aria-hidden": "true", text: question }));
      group = question;
      const button = sd.element("button", {
        type: "button", role: "tab", id: `sd-tab-${id}`, "aria-controls": `sd-panel-${id}`, text: title,
      });
      button.addEventListener("click", () => choose(id));
      list.append(button);
      return button;
    });
    list.addEventListener("keydown", (event) => {
      const at = buttons.indexOf(document.activeElement);
      const last = buttons.length - 1;
      const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      event.stopPropagation();
      buttons[to].focus();
      choose(tabs[to].id);
    });
    list.mark = (id) => {
      buttons.forEach((button, index) => {
        const chosen = tabs[index].id === id;
        button.setAttribute("aria-selected", String(chosen));
        button.tabIndex = chosen ? 0 : -1;
        if (chosen) list.scrollTo({ left: button.offsetLeft - (list.clientWidth - button.clientWidth) / 2 });
      });
    };
    return list;
  };

  /**
   * @param {HTMLElement} root
   * @param {{id: string, title: string, question: string, build: Function}[]} tabs
   * @param {{choose: Function}} actions
   */
  sd.buildShell = (root, tabs, { choose }) => {
    const e = sd.element;
    const shell = {};
    shell.tabs = buildTabs(tabs, choose);
    shell.setup = e("div", { class: "sd-setup" });
    shell.facts = e("div", { class: "sd-facts", role: "status", "aria-label": "Device, precision and times of this run" });
    shell.notice = e("p", { class: "sd-notice" });
    shell.canvas = e("div", { class: "sd-canvas" });
    shell.legend = e("div", { class: "sd-heat-legend" });
    shell.doubt = e("p", { class: "sd-flag", role: "note", hidden: true });
    shell.tools = e("div", { class: "sd-tools", role: "group", "aria-label": "How the masks are drawn" });
    shell.source = e("div", { class: "sd-source" });
    shell.panels = tabs.map((tab) =>
      e("section", { class: "sd-panel", role: "tabpanel", id: `sd-panel-${tab.id}`, "aria-labelledby": `sd-tab-${tab.id}`, tabindex: "0" }));
    shell.pixel = e("section", { class: "sd-pixel-card", "aria-label": "Why this pixel" });
    shell.footer = e("footer", { class: "sd-footer" });
    const skip = sd.button("Skip to the details of this view", () => shell.panels.find((panel) => !panel.hidden)?.focus(), "sd-skip");
    const header = e("header", { class: "sd-header" },
      e("div", { class: "sd-brand" }, e("h1", { text: "segdemo" })), shell.source, shell.setup, shell.facts);
    shell.seen = e("div", { class: "sd-seen" }, shell.tabs, shell.canvas, shell.legend);
    const left = e("div", { class: "sd-left" }, shell.seen, shell.tools, shell.notice);
    const side = e("aside", { class: "sd-side", "aria-label": "Details of this view" }, shell.pixel, ...shell.panels);
    root.replaceChildren(skip, header, shell.tabs, e("div", { class: "sd-main" }, left, side), shell.footer);
    // Gradio puts one <main> into another; a page has one main landmark.
    root.closest("main")?.parentElement?.closest("main")?.setAttribute("role", "presentation");

    // What is seen and what is touched are on screen together on a phone: tools, sources and words come last there.
    const narrow = window.matchMedia(NARROW);
    const arrange = () => {
      if (narrow.matches) {
        shell.seen.prepend(shell.tabs);
        side.prepend(shell.doubt);
        side.after(shell.tools, shell.source, shell.notice);
        shell.seen.append(shell.legend);
      } else {
        header.after(shell.tabs);
        header.insertBefore(shell.source, shell.setup);
        left.append(shell.doubt, shell.tools, shell.notice);
        shell.tools.append(shell.legend);
      }
    };
    narrow.addEventListener("change", arrange);
    arrange();
    shell.narrow = () => narrow.matches;
    /** The canvas is as large as the window allows and no wider than a photo of this size needs. */
    shell.setRatio = (width, height) => root.style.setProperty("--sd-ratio", String(width / height));
    shell.showPanel = (id) => {
      shell.tabs.mark(id);
      tabs.forEach((tab, index) => {
        shell.panels[index].hidden = tab.id !== id;
      });
    };
    return shell;
  };
})((window.segdemo ??= {}));
