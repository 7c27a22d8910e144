"""The sections of a report as HTML: everything from outside is escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from segdemo.evaluation.html import curves, key, table, text
from segdemo.evaluation.legend import CAUSE_COLORS, CAUSE_WORDS, KIND_COLORS, KIND_WORDS
from segdemo.evaluation.report_page import photo_parts
from segdemo.explain import query_history
from segdemo.prediction import Prediction
from segdemo.results.known import KnownLabels
from segdemo.results.report.found import Found
from segdemo.results.report.pictures import Figure, Pictures

_FEW = 12
"""Rows of a list that a stakeholder reads; the rest is folded away."""


def share(value: float) -> str:
    """A share 0 to 1 as the page writes it: 41 %, 3.2 %, 0.08 %, and 100 % only for the whole."""
    percent = 100 * value
    if percent == 0:
        return "0\u00a0%"
    if percent < 0.01:
        return "<\u00a00.01\u00a0%"
    if 99.5 <= percent < 100:
        return f"{percent:.1f}\u00a0%" if percent < 99.95 else ">\u00a099.9\u00a0%"
    return f"{percent:.{0 if percent >= 9.95 else 1 if percent >= 0.995 else 2}f}\u00a0%"


def section(name: str, title: str, *parts: str, said: str = "", kind: str = "") -> str:
    """A section with its title, and a line below it; empty where it has no parts."""
    if not any(parts):
        return ""
    line = f'<p class="sdr-said">{escape(said)}</p>' if said else ""
    return f'<section id="{name}" class="sdr-section {kind}"><h2>{escape(title)}</h2>{line}{"".join(parts)}</section>'


def paragraphs(note: str) -> str:
    """What a person wrote, blank lines parting paragraphs."""
    parts = [part.strip() for part in note.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def summary(entries: Sequence[Mapping[str, Any]]) -> str:
    """The classes in one sentence, the largest first."""
    if not entries:
        return "No class was found in the photo."
    shown = [f"{entry['label']} ({share(entry['area'])})" for entry in entries[:4]]
    more = len(entries) - len(shown)
    rest = f" and {more} more {'class' if more == 1 else 'classes'}" if more else ""
    joined = (
        ", ".join(shown[:-1]) + (" and " if not rest and len(shown) > 1 else ", " if shown[:-1] else "") + shown[-1]
    )
    return f"The network finds {joined}{rest}."


def classes(entries: Sequence[Mapping[str, Any]], *, hidden: set[int]) -> str:
    """The legend with areas, for paper and where no script runs."""
    rows = [
        [
            _named(entry, entry["label"]) + (" <i>(not shown)</i>" if entry["id"] in hidden else ""),
            share(entry["area"]),
            share(entry["score"]),
        ]
        for entry in entries
    ]
    listed = table(("class", "area", "probability"), rows)
    return section("classes", "What is in the photo", listed, kind="sdr-listed")


def segments(entries: Sequence[Mapping[str, Any]], task: str) -> str:
    """The segments; queries are those that made them."""
    title = "Objects" if task == "instance" else "Segments"
    if not entries:
        return section("segments", title, "<p>None is left: no query was sure enough and kept enough of its mask.</p>")
    rows = [
        [
            _named(entry, entry["name"]),
            share(entry["area"]),
            share(entry["score"]),
            "thing" if entry["isthing"] else "stuff",
            escape(", ".join(map(str, entry["queries"][:4]))),
        ]
        for entry in entries
    ]
    head = ("segment", "area", "score", "kind", "query")
    if len(rows) <= _FEW:
        return section("segments", title, table(head, rows))
    rest = f"<summary>{len(rows) - _FEW} smaller ones</summary>{table(head, rows[_FEW:])}"
    return section("segments", title, table(head, rows[:_FEW]), f'<details class="sdr-more">{rest}</details>')


def pixel(found: Found, pictures: Pictures, colors: Mapping[int, Sequence[int]]) -> str:
    """Why the pixel that was picked is what it is."""
    told = found.explanation
    if told is None:
        return ""
    top = max((entry["probability"] for entry in told["classes"]), default=1.0) or 1.0
    rows = [
        f'<div class="sdr-weighed">{_chip(colors[entry["category_id"]])}<span class="sdr-name">{text(entry["label"])}'
        f'</span><span class="sdr-track">{_bar(entry["probability"] / top, colors[entry["category_id"]])}</span>'
        f'<span class="sdr-value">{share(entry["probability"])}</span></div>'
        for entry in told["classes"]
        if entry["probability"] >= 0.005 or entry is told["classes"][0]
    ]
    cards = [
        f'<figure class="sdr-frame" data-show="vote:{place}"><img src="{figure.src}" width="{figure.size[1]}" '
        f'height="{figure.size[0]}" alt="Mask of query {row["query"]}"><figcaption><b>query {row["query"]}</b> '
        f"{share(row['share'])} of the vote<br>itself {text(row['label'], 40)} {share(row['probability'])}, mask here "
        f"{share(row['mask_probability'])}</figcaption></figure>"
        for place, (row, figure) in enumerate(zip(told["queries"], pictures.votes, strict=True))
    ]
    votes = f'<h3>Who decided it</h3><div class="sdr-frames sdr-few">{"".join(cards)}</div>' if cards else ""
    margin = f"Margin to the next class {share(told['margin'])}, entropy {told['entropy']:.2f} (0 sure, 1 undecided)."
    plot = ""
    if told["layers"]:
        lines = [("its probability", [_final(told, layer) for layer in told["layers"]])]
        lines.append(("mask of the query", [layer["mask_probability"] for layer in told["layers"]]))
        title = f"The pixel over the decoder's layers: probability where it is {told['classes'][0]['label']}"
        plot = curves(lines, title=title, across="decoder layer")
    return section(
        "pixel",
        "Why this pixel?",
        f"<p>{escape(told['sentence'])}</p>",
        *rows,
        f'<p class="sdr-said">{escape(margin)}</p>',
        votes,
        plot,
    )


def _final(told: Mapping[str, Any], layer: Mapping[str, Any]) -> float | None:
    """The pixel's probability after a layer of the class that it has in the end; none where it was another."""
    same = layer["category_id"] == told["classes"][0]["category_id"]
    return float(layer["probability"]) if same else None


def layers(prediction: Prediction, found: Found, pictures: Pictures) -> str:
    """How the answer grew over the decoder's layers: all classes, and the query that is followed."""
    maps = pictures.layer_maps
    if maps is None:
        return ""
    agreement = [float((labels == maps[-1]).mean()) for labels in maps]
    early = next(layer for layer, equal in enumerate(agreement) if equal >= 0.9)
    where = "the initial prediction" if early == 0 else f"layer {early}"
    said = (
        "The network predicts once from its learned queries, then after each decoder layer. "
        f"From {where} on, nine pixels in ten and more have their final class."
    )
    lines: list[tuple[str, Sequence[float | None]]] = [("final class", agreement)]
    parts = [frames(pictures.layers, "layer")]
    if found.query is not None:
        history = query_history(prediction, found.query)
        name = prediction.id2label.get(history[-1].category_id, "")
        lines.append(("query's class", [row.final_class_probability for row in history]))
        lines.append(("query's mask IoU", [row.iou for row in history]))
        parts += [
            f"<h3>Query {found.query}, in the end {text(name)} {share(history[-1].probability)}</h3>",
            '<p class="sdr-said">Its mask probability after each layer, dark for 0, yellow for 1.</p>',
            frames(pictures.query_layers, ""),
        ]
    plot = curves(lines, title="Development over decoder layers", across="decoder layer")
    return section("layers", "How the answer grew", *parts, plot, said=said)


def attention(pictures: Pictures) -> str:
    """Where queries looked."""
    if not pictures.attention:
        return ""
    said = "Where the query looked in the photo to improve its answer: yellow is where most."
    return section("attention", "Where it looked", frames(pictures.attention, "attention", few=True), said=said)


def features(pictures: Pictures) -> str:
    """What the network made of the photo before any query looked."""
    if not pictures.features:
        return ""
    said = (
        "What the network makes of the photo before anything has a name: cells of like colour have like features. "
        "The colours are the first three principal components of each map."
    )
    return section("features", "What it works from", frames(pictures.features, "", few=True), said=said)


def frames(figures: Sequence[Figure], shows: str, *, few: bool = False) -> str:
    """Small pictures side by side; ``shows`` is what the canvas shows of one that is chosen, if anything."""
    cards = []
    for place, figure in enumerate(figures):
        on = f' data-show="{shows}:{place}"' if shows else ""
        said = f"<br>{escape(figure.said)}" if figure.said else ""
        cards.append(
            f'<figure class="sdr-frame"{on}><img src="{figure.src}" width="{figure.size[1]}" height="{figure.size[0]}" '
            f'alt=""><figcaption><b>{escape(figure.title)}</b>{said}</figcaption></figure>'
        )
    return f'<div class="sdr-frames{" sdr-few" if few else ""}">{"".join(cards)}</div>'


def lacking(sentences: Iterable[str]) -> str:
    """What this network cannot show, in its family's words."""
    return section("lacking", "What there is not to see", *(f"<p>{escape(sentence)}</p>" for sentence in sentences))


def evaluation(found: Found, pictures: Pictures, labels: KnownLabels | None) -> str:
    """The result against the labels."""
    if found.evaluation is None or labels is None:
        return ""
    parts = [_demoted(part) for part in photo_parts(found.evaluation.to_json())]
    kinds = _keys((KIND_WORDS[kind], color) for kind, color in KIND_COLORS.items())
    causes = _keys((CAUSE_WORDS[cause], color) for cause, color in CAUSE_COLORS.items())
    legends = [kinds, causes][: len(pictures.errors)]
    maps = "".join(
        f'<figure class="sdr-map"><img src="{figure.src}" width="{figure.size[1]}" height="{figure.size[0]}" '
        f'alt=""><figcaption><b>{escape(figure.title)}</b><br><span class="keys">{legend}</span>'
        "</figcaption></figure>"
        for figure, legend in zip(pictures.errors, legends, strict=True)
    )
    said = f"Labels: {labels.said.rstrip('.')}. Judged: {found.evaluation.judged}."
    if labels.unmapped:
        said += f" Classes of the labels that the checkpoint does not have: {', '.join(labels.unmapped[:20])}."
    return section(
        "evaluation",
        "Is it right?",
        parts[0],
        f'<div class="sdr-maps">{maps}</div>',
        f'<div class="sdr-parts">{"".join(f"<div>{part}</div>" for part in parts[1:])}</div>',
        said=said,
        kind="sdr-wide",
    )


def settings(rows: Iterable[tuple[str, str]]) -> str:
    """Everything that the result depends on; the values are HTML already."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in rows)
    return section("settings", "Settings and checkpoint", f'<dl class="sdr-facts">{cells}</dl>', kind="sdr-wide")


def _demoted(part: str) -> str:
    """Headings of parts one level lower, since they are within a section that has their place's name."""
    return re.sub(r'<h2 id="[^"]*">', "<h3>", part).replace("</h2>", "</h3>")


def _keys(entries: Iterable[tuple[str, tuple[int, int, int]]]) -> str:
    return " ".join(f"<span>{key(color)}{escape(words)}</span>" for words, color in entries)


def _named(entry: Mapping[str, Any], name: str) -> str:
    return f"{_chip(entry['color'])} {text(name)}"


def _chip(color: Sequence[int]) -> str:
    return f'<span class="key" style="background:rgb({",".join(str(int(value)) for value in color)})"></span>'


def _bar(part: float, color: Sequence[int]) -> str:
    rgb = ",".join(str(int(value)) for value in color)
    return f'<span style="width:{100 * part:.1f}%;background:rgb({rgb})"></span>'
