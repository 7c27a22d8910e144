// What a result does not have: a tab about it says why, in a sentence, and shows nothing that would do nothing.
((sd) => {
  "use strict";

  /**
   * Why a run has no such part, for people; empty where it has.
   * @param {any} run
   * @param {string} part one of a prediction's parts, such as "queries"
   */
  sd.lacking = (run, part) => {
    if (!run || run.offers.includes(part)) return "";
    // What came with the page is computed here meanwhile, with all its parts.
    if (run.shipped && part === "decoder_features") return "";
    return run.lacks[part] ?? `This result was computed without its ${part.replace("_", " ")}: run the photo again to see them.`;
  };

  /** Let a tab's panel say a sentence in place of all that it holds; an empty one brings that back. */
  sd.tellLacking = (panel, title, sentence) => {
    let said = panel.querySelector(":scope > .sd-lacking-note");
    if (!said) {
      said = sd.element("div", { class: "sd-lacking-note" }, sd.element("h2", { class: "sd-heading", text: title }), sd.element("p", { class: "sd-empty-result" }));
      panel.prepend(said);
    }
    panel.classList.toggle("sd-lacking", Boolean(sentence));
    said.lastChild.textContent = sentence;
  };
})((window.segdemo ??= {}));
