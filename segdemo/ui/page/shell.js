// The page's frame: header, tabs, canvas, side panel. Panels and the canvas fill it.
((sd) => {
  "use strict";

  /** A row of tabs after the WAI-ARIA pattern: arrows move, Home and End jump, the chosen one is in the tab order. */
  const buildTabs = (tabs, choose) => {
    const list = sd.element("div", { class: "sd-tabs", role: "tablist", "aria-label": "Views of the result" });
    const buttons = tabs.map(({ id, title }) => {
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
      buttons[to].focus();
      choose(tabs[to].id);
    });
    list.mark = (id) => {
      buttons.forEach((button, index) => {
        const chosen = tabs[index].id === id;
        button.setAttribute("aria-selected", String(chosen));
        button.tabIndex = chosen ? 0 : -1;
        if (chosen) {
          list.scrollTo({ left: button.offsetLeft - (list.clientWidth - button.clientWidth) / 2 });
        }
      });
    };
    return list;
  };

  /**
   * @param {HTMLElement} root
   * @param {{id: string, title: string, build: Function}[]} tabs
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
    shell.tools = e("div", { class: "sd-tools", role: "group", "aria-label": "How the masks are drawn" });
    shell.source = e("div", { class: "sd-source" });
    shell.panels = tabs.map((tab) =>
      e("section", { class: "sd-panel", role: "tabpanel", id: `sd-panel-${tab.id}`, "aria-labelledby": `sd-tab-${tab.id}`, tabindex: "0" }));
    shell.pixel = e("section", { class: "sd-pixel-card", "aria-label": "Why this pixel" });
    shell.footer = e("footer", { class: "sd-footer" });

    root.replaceChildren(
      e("header", { class: "sd-header" },
        e("div", { class: "sd-brand" },
          e("h1", { text: "segdemo" }), e("p", { text: "see what a mask transformer sees" })),
        shell.setup, shell.facts),
      shell.notice,
      shell.tabs,
      e("main", { class: "sd-main" },
        e("div", { class: "sd-left" }, shell.canvas, shell.tools, shell.source),
        e("aside", { class: "sd-side", "aria-label": "Details of this view" }, ...shell.panels, shell.pixel)),
      shell.footer);
    shell.showPanel = (id) => {
      shell.tabs.mark(id);
      tabs.forEach((tab, index) => {
        shell.panels[index].hidden = tab.id !== id;
      });
    };
    return shell;
  };
})((window.segdemo ??= {}));
