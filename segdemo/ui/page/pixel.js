// Why this pixel: the most probable classes there, the queries that voted, and links to their layers and attention.
((sd) => {
  "use strict";

  sd.buildPixelCard = (app) => {
    const e = sd.element;
    const { state, client, pixelCard } = app;
    pixelCard.append(sd.heading("Why this pixel?",
      "Click the photo. A class's probability here is its score divided by the sum of all classes' scores; a query's vote is its class probability times its mask probability at this pixel."));
    const body = e("div", { class: "sd-pixel-body", "aria-live": "polite" });
    pixelCard.append(body);

    const link = (text, changes) => sd.button(text, () => state.set(changes), "sd-link");
    const render = (answer) => {
      body.replaceChildren(
        e("p", { class: "sd-help", text: `Pixel ${answer.x}, ${answer.y}: margin ${sd.percent(answer.margin)}, entropy ${answer.entropy.toFixed(2)}.` }),
        ...answer.classes.map((entry) => {
          const bar = e("span", { class: "sd-bar-share", "aria-hidden": "true" });
          bar.style.setProperty("--sd-share", `${Math.max(entry.probability * 100, 0.5)}%`);
          bar.style.setProperty("--sd-chip", sd.rgb(entry.color));
          const votes = entry.votes.map(({ query, share }) => e("span", { class: "sd-vote" },
            e("span", { class: "sd-number", text: `query ${query}: ${sd.percent(share)} of it` }),
            link("layers", { query, subject: "query", tab: "layers" }), link("attention", { query, tab: "attention" })));
          return e("div", { class: "sd-pixel-class" },
            e("div", { class: "sd-legend-row sd-static" }, sd.chip(entry.color, entry.isthing), e("span", { class: "sd-name", text: entry.label }),
              e("span", { class: "sd-number", text: sd.percent(entry.probability) }), bar),
            ...(votes.length ? [e("div", { class: "sd-votes" }, ...votes)] : []));
        }));
    };
    const update = async () => {
      const run = state.get("run");
      const pixel = state.get("pixel");
      if (!run || !pixel) {
        body.replaceChildren(e("p", { class: "sd-help", text: "Click the photo to see which classes the network weighed there, and which queries voted." }));
        return;
      }
      const answer = await app.guard(() => client.callLatest("pixel", "pixel", { token: run.token, x: pixel.x, y: pixel.y }));
      if (answer && state.get("pixel") === pixel) render(answer);
    };
    state.on(["pixel", "run"], update);
    update();
  };
})((window.segdemo ??= {}));
