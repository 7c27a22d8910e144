// Why this pixel: the most probable classes there, and the queries that voted, as thumbnails of their masks.
((sd) => {
  "use strict";

  /** Classes less probable than this are dust, but for the runner-up; those less than the second have no pictures. */
  const SEEN = 0.001;
  const VOTED = 0.05;

  sd.buildPixelCard = (app) => {
    const e = sd.element;
    const { state, client, viewer, pixelCard } = app;
    const close = e("button", { type: "button", class: "sd-close", "aria-label": "Close: no pixel (Esc)", text: "×" });
    close.addEventListener("click", () => state.set({ pixel: null }));
    const body = e("div", { class: "sd-pixel-body", "aria-live": "polite" });
    const unfold = e("button", { type: "button", class: "sd-unfold" });
    unfold.addEventListener("click", () => fold(false));
    /** In another tab the card steps back to one line, so that what the tab is about is seen. */
    const fold = (folded) => {
      pixelCard.classList.toggle("sd-folded-card", folded);
      unfold.setAttribute("aria-expanded", String(!folded));
    };
    unfold.setAttribute("aria-label", "Open: why this pixel");
    pixelCard.append(
      sd.heading("Why this pixel?",
        "A class's probability here is its score divided by the sum of all classes' scores; a network without queries gives each class a score of its own, and the probability is their softmax. A query's vote is its class probability times its mask probability at this pixel. Margin: the best class less the next. Entropy: 0 is sure, 1 is undecided between all classes."),
      unfold, close, body);
    state.on(["tab"], () => fold(true));
    pixelCard.hidden = true;

    /** One query that voted: its mask, its share, and two ways on. */
    const vote = ({ query, share }, label) => {
      const open = (text, title, changes) => {
        const button = sd.button(text, () => state.set(changes), "sd-vote-link");
        button.setAttribute("aria-label", `${title} of query ${query}`);
        return button;
      };
      const show = e("button", { type: "button", class: "sd-vote-show", "aria-label": `Query ${query}: ${sd.percent(share)} of the vote for ${label}. Opens its layers` },
        sd.thumbnail(app, query),
        e("span", { class: "sd-number", text: `q${query}` }), e("span", { class: "sd-number", text: sd.percent(share) }));
      show.addEventListener("click", () => state.set({ query, subject: "query", tab: "layers" }));
      const box = e("div", { class: "sd-vote" }, show,
        e("span", { class: "sd-vote-links" },
          open("layers", "Layers", { query, subject: "query", tab: "layers" }), open("attention", "Attention", { query, tab: "attention" })));
      sd.lightsMask(app, box, query);
      return box;
    };

    const render = (answer) => {
      body.replaceChildren(
        e("p", { class: "sd-help", text: `Pixel ${answer.x}, ${answer.y}: margin ${sd.percent(answer.margin)}, entropy ${answer.entropy.toFixed(2)}.` }),
        ...answer.classes.filter(({ probability }, rank) => rank < 2 || probability >= SEEN).map((entry, rank) => {
          const bar = e("span", { class: "sd-bar-share", "aria-hidden": "true" });
          bar.style.setProperty("--sd-share", `${Math.max(entry.probability * 100, 0.5)}%`);
          bar.style.setProperty("--sd-chip", sd.rgb(entry.color));
          const votes = rank === 0 || entry.probability >= VOTED ? entry.votes.map((cast) => vote(cast, entry.label)) : [];
          const number = answer.noVotes ? `score ${entry.score.toFixed(2)} · ${sd.percent(entry.probability)}` : sd.percent(entry.probability);
          return e("div", { class: "sd-pixel-class" },
            e("div", { class: "sd-legend-row sd-static" }, sd.chip(entry.color, entry.isthing), e("span", { class: "sd-name", text: entry.label }),
              e("span", { class: "sd-number", text: number }), bar),
            ...(votes.length ? [e("div", { class: "sd-votes" }, ...votes)] : []));
        }),
        ...(answer.noVotes ? [e("p", { class: "sd-note-text", text: answer.noVotes })] : []));
    };
    const exactOf = ({ classes: [first, second] }) => ({
      classId: first.id, label: first.label, probability: first.probability, runner: second?.label ?? null,
      runnerProbability: second?.probability ?? null, query: first.votes[0]?.query ?? null,
    });
    const update = async () => {
      const run = state.get("run");
      const pixel = state.get("pixel");
      pixelCard.hidden = !run || !pixel;
      app.thumbs.light(null);
      if (pixelCard.hidden) {
        body.replaceChildren();
        return;
      }
      const answer = await app.guard(() => client.callLatest("pixel", "pixel", { token: run.token, x: pixel.x, y: pixel.y }));
      if (!answer || state.get("pixel") !== pixel || state.get("run") !== run) return;
      render(answer);
      // Where a pick asks something of the tab itself, the tab's answer comes first.
      if (pixel.picked) fold(sd.tabs.some(({ id, asks }) => asks && id === state.get("tab")));
      const [best] = answer.classes;
      unfold.replaceChildren(sd.chip(best.color, best.isthing), e("span", { text: `${best.label} ${sd.percent(best.probability)}` }), e("span", { class: "sd-help", text: "Why this pixel? ▾" }));
      const exact = exactOf(answer);
      viewer.setPixel({ ...pixel, exact });
      if (exact.query !== null && pixel.picked) state.set({ query: exact.query });
      body.parentElement.scrollTop = 0;
    };
    state.on(["pixel", "run"], update);
    update();
  };
})((window.segdemo ??= {}));
