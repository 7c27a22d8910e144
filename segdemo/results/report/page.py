"""The report's file: its sections, what its canvas shows, and the page's own viewer, in one piece."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from segdemo.checkpoints import Checkpoint, millions, public_id
from segdemo.evaluation.html import tiles
from segdemo.prediction import Prediction
from segdemo.results.doubt import doubt
from segdemo.results.entries import class_entry, segment_entries
from segdemo.results.known import KnownLabels
from segdemo.results.report import sections
from segdemo.results.report.asked import ReportOptions
from segdemo.results.report.canvas import canvas_data
from segdemo.results.report.found import Found
from segdemo.results.report.pictures import Pictures
from segdemo.results.tables import versions
from segdemo.segmentation import Segments, SemanticMap, present_classes
from segdemo.shell import Shell


def write_page(
    prediction: Prediction,
    checkpoint: Checkpoint,
    asked: ReportOptions,
    found: Found,
    pictures: Pictures,
    labels: KnownLabels | None,
    shell: Shell,
    *,
    made: datetime,
    said: str = "",
) -> bytes:
    """The whole file as UTF-8; ``said`` is a sentence on its pictures, if there is one to say."""
    entries = _classes(prediction, found)
    taxonomy = prediction.taxonomy
    shown = found.options.show_classes
    hidden = set() if shown is None else {entry["id"] for entry in entries} - set(shown)
    listed = _listed(prediction, found)
    body = [
        sections.classes(entries, hidden=hidden),
        "" if found.segments is None else sections.segments(listed, found.segments.options.task),
        sections.pixel(found, pictures, taxonomy.colors),
        sections.layers(prediction, found, pictures),
        sections.attention(pictures),
        sections.features(pictures),
        sections.lacking(found.lacking),
    ]
    wide = [
        sections.evaluation(found, pictures, labels),
        sections.settings(_settings(prediction, checkpoint, asked, found, pictures, made)),
    ]
    title = asked.title or f"Segmentation of {asked.photo}"
    height, width = prediction.image_size
    if said:
        said += (
            f" The photo is {pictures.size[1]} × {pictures.size[0]} pixels here; all numbers are of the photo itself."
        )
    sentences = filter(None, (doubt(checkpoint, taxonomy, pictures.planes), said))
    head = (
        f'<header class="sdr-head"><div class="sdr-words"><h1>{escape(title)}</h1>'
        f'<p class="sdr-said">{escape(asked.photo)} · {width} × {height} pixels · {escape(checkpoint.title)} · '
        f"{_time(made.strftime('%d %B %Y').lstrip('0'))}</p>"
        + (f'<div class="sdr-note">{sections.paragraphs(asked.note)}</div>' if asked.note else "")
        + f'<p class="sdr-summary">{escape(sections.summary(entries))}</p>'
        + "".join(f'<p class="sdr-doubt">{escape(sentence)}</p>' for sentence in sentences)
        + f"</div>{tiles(_headline(found, entries, listed))}{_contents([*body, *wide])}</header>"
    )
    still = (
        f'<figure class="sdr-still"><img src="{pictures.still}" width="{pictures.size[1]}" height="{pictures.size[0]}" '
        f'alt="{escape(sections.summary(entries))}"></figure>'
    )
    main = (
        f'<main class="sdr-all"><div class="sdr-main"><div class="sdr-seen">{still}<div class="sdr-canvas"></div>'
        f'<div class="sdr-tools"></div></div><div class="sdr-told">{_pair(*body[:2])}{"".join(body[2:])}</div></div>'
        f"{''.join(wide)}</main>"
    )
    made_by = (
        f"Made by segdemo {versions()['segdemo']}. This file holds all that it shows and asks nothing of any server."
    )
    foot = f'<footer class="sdr-foot">{escape(made_by)}</footer>'
    data = canvas_data(prediction, asked, found, pictures, entries, listed)
    # What no file can hold, such as half a character of a command line, becomes a question mark.
    return _document(title, f"{head}{main}{foot}", data, shell).encode("utf-8", "replace")


def _document(title: str, inside: str, data: Mapping[str, Any], shell: Shell) -> str:
    """The file: nothing in it may fetch anything, and no script may run but its own."""
    script = f"{shell.script}\n{_own('report.js')}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    # As letters of a script's data, none of these can end it.
    told = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for letter in "<>&":
        told = told.replace(letter, f"\\u{ord(letter):04x}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{shell.style}\n{_own('report.css')}</style></head>\n"
        f'<body><div id="report" class="sd-app sdr">{inside}</div>\n'
        f'<script type="application/json" id="told">{told}</script>\n<script>{script}</script></body></html>\n'
    )


@cache
def _own(name: str) -> str:
    return (files("segdemo.results.report") / name).read_text(encoding="utf-8")


def _contents(parts: Iterable[str]) -> str:
    """Links to the sections that are there."""
    found = []
    for part in parts:
        if part:
            name, title = part.split('id="', 1)[1].split('"', 1)[0], part.split("<h2>", 1)[1].split("</h2>", 1)[0]
            found.append(f'<a href="#{name}">{title}</a>')
    return f'<nav class="sdr-contents" aria-label="Sections">{"".join(found)}</nav>'


def _pair(one: str, other: str) -> str:
    """Two sections side by side on paper."""
    return f'<div class="sdr-pair">{one}{other}</div>' if other else one


def _time(words: str) -> str:
    """What depends on when and how fast a report was made: all that two of the same may differ in."""
    return f"<time>{escape(words)}</time>"


def _classes(prediction: Prediction, found: Found) -> list[dict[str, Any]]:
    after = found.semantic.after
    assert isinstance(after, SemanticMap)
    return [
        {**class_entry(prediction.taxonomy, entry.category_id), "area": entry.share, "score": entry.score}
        for entry in present_classes(prediction, after)
    ]


def _listed(prediction: Prediction, found: Found) -> list[dict[str, Any]]:
    if found.segments is None:
        return []
    assert isinstance(found.segments.after, Segments)
    return segment_entries(found.segments.after, prediction.taxonomy)


def _headline(found: Found, entries: list[dict[str, Any]], listed: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    yield "class" if len(entries) == 1 else "classes", str(len(entries))
    if found.segments is not None:
        noun = "object" if found.segments.options.task == "instance" else "segment"
        yield noun if len(listed) == 1 else f"{noun}s", str(len(listed))
    if found.explanation is not None:
        best = found.explanation["classes"][0]
        yield f"{best['label'][:40]}, at the pixel picked", sections.share(best["probability"])
    if found.evaluation is not None:
        measures = found.evaluation.to_json()
        for name, words in (("pixel_accuracy", "of the labelled pixels are right"), ("miou", "mean IoU over classes")):
            if measures[name] is not None:
                yield words, sections.share(measures[name])


def _settings(
    prediction: Prediction,
    checkpoint: Checkpoint,
    asked: ReportOptions,
    found: Found,
    pictures: Pictures,
    made: datetime,
) -> Iterable[tuple[str, str]]:
    """What the result depends on: names, and values as HTML."""
    height, width = prediction.image_size
    smaller = "" if pictures.size == (height, width) else f", in this file {pictures.size[1]} × {pictures.size[0]}"
    yield "Photo", escape(f"{asked.photo}, {width} × {height} pixels{smaller}")
    public = public_id(checkpoint.id)
    named = checkpoint.title if public == checkpoint.title else f"{checkpoint.title} ({public})"
    yield "Checkpoint", escape(named)
    size = "" if checkpoint.parameters is None else f"{millions(checkpoint.parameters)} million parameters."
    yield "What it is", escape(" ".join(filter(None, (checkpoint.description, checkpoint.note, size))))
    yield "Terms of its weights", escape(checkpoint.terms or "Not known here: see where the checkpoint came from.")
    rows, columns = prediction.input_size
    told = f", told the task {prediction.task}" if prediction.task else ""
    ran = f"{prediction.engine}, {prediction.precision}, {prediction.device}; input {columns} × {rows} pixels{told}"
    yield "Network", escape(ran)
    for words, result in (("Classes", found.semantic), ("Segments", found.segments)):
        if result is not None and result.change is not None:
            yield f"{words}, refined", escape(f"{result.change.changed_percent:.2f} % of the pixels changed")
    yield "Options", _parameters(found.options.parameters())
    yield "Software", escape(", ".join(f"{name} {number}" for name, number in versions().items()))
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in prediction.seconds.items())
    yield "Made", _time(f"{made.isoformat(timespec='seconds')}{f'; {spent}' if spent else ''}")


def _parameters(values: Mapping[str, Any]) -> str:
    """Options by their names, those of refinement after the others."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(
            {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, Mapping) else {name: value}
        )
    return "<br>".join(escape(f"{name}: {json.dumps(value, ensure_ascii=False)}") for name, value in flat.items())
