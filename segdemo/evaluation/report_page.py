"""A set's evaluation as one HTML file that opens anywhere and fetches nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from segdemo.colors import Color
from segdemo.evaluation.html import (
    bar,
    curves,
    document,
    heading,
    key,
    number,
    percent,
    reliability,
    table,
    tiles,
)
from segdemo.evaluation.legend import CAUSE_COLORS, CAUSE_WORDS, KIND_COLORS, KIND_WORDS

WORST = 24
"""Pictures that are shown, at most: it bounds the file, at some 50 kB each."""
MATRIX = 30
"""Classes of the matrix, at most: those with the most true pixels."""
NAME = 120
"""Characters of a name that are shown."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """A picture that may be shown."""

    name: str
    json: Json
    """Its figures."""
    pictures: Sequence[str]
    """Photograph as base64 of a JPEG, kinds of errors and causes of PNGs; empty where there is none."""
    number: int
    """Its place."""

    @property
    def order(self) -> tuple[float, int]:
        """What is worse comes first."""
        return (self.json["pixel_accuracy"] or 0.0, self.number)


def report_page(
    about: Json,
    overall: Json,
    sets: Mapping[str, Json],
    worst: Sequence[Shown],
    suspects: Sequence[tuple[float, str, Json]],
) -> str:
    """The page: ``overall`` and ``sets`` as ``figures`` makes them, ``suspects`` with their weight and picture."""
    title = f"{about.get('checkpoint', 'A checkpoint')} on {overall['pictures']} pictures"
    parts = [
        f"<h1>{_text(title)}</h1>",
        "".join(f"<p>{_text(str(line), 2000)}</p>" for line in about.get("about_data", ())),
        f"<p>Engine {_text(str(about.get('engine')))}, {_text(str(about.get('precision')))}, "
        f"input size {_text(str(about.get('size')))}{_told(about)}.</p>",
        tiles(_headline(overall)),
        f"<p>{escape(overall['absent_classes'])}</p>",
        f"<p>There is no panoptic quality. {escape(overall['no_panoptic'])}</p>" if overall["no_panoptic"] else "",
        _sets(sets) if len(sets) > 1 else "",
        _errors(overall),
        _causes(overall),
        _layers(overall),
        _calibration(overall),
        _classes(overall),
        _matrix(overall),
        _worst(worst, overall),
        _suspects(suspects),
    ]
    return document(title, [part for part in parts if part])


def _told(about: Json) -> str:
    return f", told the task {_text(str(about['task']))}" if about.get("task") else ""


def _text(text: str, most: int = NAME) -> str:
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")


def _headline(of: Json) -> list[tuple[str, str]]:
    quality = of["panoptic"] or {}
    rows = [
        ("pixel accuracy", of["pixel_accuracy"]),
        ("mIoU, pooled", of["miou"]),
        ("mIoU, mean per image", of["miou_per_image"]),
        ("frequency-weighted IoU", of["frequency_weighted_iou"]),
        ("boundary F, 0.75 % of the diagonal", of["boundary_f"]),
        ("PQ", quality.get("pq")),
        ("SQ", quality.get("sq")),
        ("RQ", quality.get("rq")),
        ("calibration error (ECE)", of["calibration"]["ece"]),
    ]
    return [(name, percent(value)) for name, value in rows if value is not None]


def _sets(sets: Mapping[str, Json]) -> str:
    head = ("set", "pictures", "accuracy", "mIoU", "per image", "fw IoU", "boundary F", "PQ")
    rows = [
        [
            _text(name),
            number(of["pictures"]),
            *(
                percent(of[measure])
                for measure in ("pixel_accuracy", "miou", "miou_per_image", "frequency_weighted_iou", "boundary_f")
            ),
            percent((of["panoptic"] or {}).get("pq")),
        ]
        for name, of in sets.items()
    ]
    return heading("Sets") + table(head, rows)


def _errors(of: Json) -> str:
    entries = of["errors"]["kinds"]
    rows = [
        [
            key(KIND_COLORS[entry["kind"]]) + escape(KIND_WORDS[entry["kind"]]),
            number(entry["pixels"]),
            percent(entry["share"]),
            bar(entry["share"]),
        ]
        for entry in entries
    ]
    said = f"{number(of['wrong_pixels'])} wrong pixels of {number(of['labelled_pixels'])} with a label; "
    said += f"the boundary band is {of['errors']['width']:g} pixels wide on either side."
    return heading("What kind of errors", said) + table(("kind", "pixels", "of the wrong", ""), rows)


def _causes(of: Json) -> str:
    title = "Where they came in"
    if of["causes"] is None:
        return heading(title, of["no_causes"])
    rows = [
        [
            key(CAUSE_COLORS[entry["cause"]]) + escape(f"{entry['cause']}: {CAUSE_WORDS[entry['cause']]}"),
            number(entry["pixels"]),
            percent(entry["share"]),
            bar(entry["share"]),
        ]
        for entry in of["causes"]
    ]
    said = "The first that holds, going backwards from the result; the shares add up to all wrong pixels."
    return heading(title, said) + table(("cause", "pixels", "of the wrong", ""), rows)


def _layers(of: Json) -> str:
    if not of["layers"]:
        return heading("Layer by layer", of["no_layers"])
    names = (("accuracy", "pixel_accuracy"), ("mIoU", "miou"), ("boundary F", "boundary_f"), ("ECE", "ece"))
    lines = [(shown, [layer[name] for layer in of["layers"]]) for shown, name in names]
    lost = [
        [
            "never right" if entry["layer"] < 0 else f"last right after layer {entry['layer']}",
            number(entry["pixels"]),
            percent(entry["share"]),
            bar(entry["share"]),
        ]
        for entry in of["lost_at"]
    ]
    segmented = any("panoptic" in layer for layer in of["layers"])
    head = ("layer", "accuracy", "mIoU", "per image", "fw IoU", "boundary F", "ECE", *(("PQ",) if segmented else ()))
    rows = [
        [
            str(layer["layer"]),
            *(percent(layer[name]) for name in ("pixel_accuracy", "miou", "miou_per_image", "frequency_weighted_iou")),
            percent(layer["boundary_f"]),
            percent(layer["ece"]),
            *((percent((layer.get("panoptic") or {}).get("pq")),) if segmented else ()),
        ]
        for layer in of["layers"]
    ]
    return (
        heading("Layer by layer", "The network's own map after each decoder layer; 0 is the initial prediction.")
        + curves(lines, title="Measures over decoder layers", across="decoder layer")
        + table(head, rows)
        + table(("wrong pixels", "pixels", "of the wrong", ""), lost)
    )


def _calibration(of: Json) -> str:
    said = f"Expected calibration error {percent(of['calibration']['ece'])} (Guo et al. 2017)."
    cuts = [
        table(
            (f"{cut['by']} ({cut['unit']})", "pixels", "pictures", "accuracy", ""),
            [
                [
                    _range(entry),
                    number(entry["pixels"]),
                    number(entry["pictures"]),
                    percent(entry["accuracy"]),
                    bar(entry["accuracy"], width=60),
                ]
                for entry in cut["slices"]
            ],
        )
        for cut in of["slices"]
    ]
    return (
        heading("How sure, and how right", said)
        + reliability(of["calibration"]["bins"])
        + heading("Slices", "Accuracy by area of the true region, by distance to a true border, and by probability.")
        + f'<div class="pair">{"".join(cuts)}</div>'
    )


def _range(entry: Json) -> str:
    low, high = entry["low"], entry["high"]
    if low is None or high is None:
        return f"below {high:g}" if low is None else f"from {low:g}"
    return f"{low:g} to {high:g}"


def _classes(of: Json) -> str:
    entries = sorted(of["classes"], key=lambda entry: (-entry["true_pixels"], -entry["predicted_pixels"]))
    qualities = ("pq", "sq", "rq") if of["panoptic"] is not None else ()
    rows = [
        [
            _text(entry["label"]),
            number(entry["true_pixels"]),
            number(entry["predicted_pixels"]),
            percent(entry["iou"]),
            bar(entry["iou"], width=80),
            percent(entry["accuracy"]),
            percent(entry["boundary_f"]),
            *(percent((entry["panoptic"] or {}).get(name)) for name in qualities),
        ]
        for entry in entries
    ]
    head = ("class", "true pixels", "predicted", "IoU", "", "accuracy", "boundary F", *map(str.upper, qualities))
    said = "The largest first; a dash where there is nothing to measure, as for classes that are only predicted."
    return heading("Classes", said) + table(head, rows)


def _matrix(of: Json) -> str:
    cells = {(true, found): pixels for true, found, pixels in of["confusion"]["cells"]}
    true_pixels: dict[int, int] = {}
    for (true, _), pixels in cells.items():
        true_pixels[true] = true_pixels.get(true, 0) + pixels
    names = {entry["id"]: entry["label"] for entry in of["confusion"]["classes"]}
    shown = sorted(names, key=lambda index: -true_pixels.get(index, 0))[:MATRIX]
    top = "".join(f'<th scope="col">{_text(names[index], 24)}</th>' for index in shown)
    body = []
    for true in [index for index in shown if index in true_pixels]:
        total = true_pixels.get(true, 0)
        row = [_cell(cells.get((true, found), 0), total, true == found) for found in shown]
        body.append(f'<tr><th scope="row">{_text(names[true], 24)}</th>{"".join(row)}</tr>')
    said = "Rows are the truth, columns the prediction; percent of the row."
    if len(names) > MATRIX:
        said += f" The {MATRIX} classes with the most true pixels of {len(names)} that are there."
    head = f"<thead><tr><th></th>{top}</tr></thead><tbody>{''.join(body)}</tbody>"
    return heading("Confusion matrix", said) + f'<div class="scroll"><table class="matrix">{head}</table></div>'


def _cell(pixels: int, total: int, right: bool) -> str:
    share = pixels / total if total else 0.0
    color = "47,143,91" if right else "209,102,43"
    shown = f"{100 * share:.0f}" if share >= 0.005 else ""
    return f'<td title="{pixels} pixels" style="background:rgba({color},{min(1.0, share):.2f})">{shown}</td>'


def _worst(worst: Sequence[Shown], of: Json) -> str:
    if not worst:
        return ""
    kinds = _legend((KIND_WORDS[kind], color) for kind, color in KIND_COLORS.items())
    causes = _legend((CAUSE_WORDS[cause], color) for cause, color in CAUSE_COLORS.items())
    shown = []
    for entry in worst:
        pictures = [
            f'<img alt="{words} of {_text(entry.name)}" src="data:image/{kind};base64,{escape(data)}">'
            for words, kind, data in zip(
                ("photograph", "errors", "causes"), ("jpeg", "png", "png"), entry.pictures, strict=True
            )
            if data
        ]
        shown.append(
            f'<div class="worst"><h3>{_text(entry.name)}: accuracy {percent(entry.json["pixel_accuracy"])}, '
            f"mIoU {percent(entry.json['miou'])}</h3>{' '.join(pictures)}<p>{_reason(entry.json)}</p></div>"
        )
    legend = f'<p class="keys">Errors: {kinds}</p>'
    if of["causes"] is not None:
        legend += f'<p class="keys">Causes: {causes}</p>'
    said = f"The {len(worst)} with the lowest pixel accuracy: photograph, errors, causes."
    return heading("The worst pictures first", said) + legend + "".join(shown)


def _legend(entries: Iterable[tuple[str, Color]]) -> str:
    return " ".join(f"<span>{key(color)}{escape(words)}</span>" for words, color in entries)


def _reason(of: Json) -> str:
    """What is mistaken for what most, and the commonest cause, in words."""
    names = {entry["id"]: entry["label"] for entry in of["confusion"]["classes"]}
    wrong = sorted(((n, t, p) for t, p, n in of["confusion"]["cells"] if t != p), reverse=True)[:3]
    total = of["wrong_pixels"] or 1
    said = "; ".join(f"{names[true]} taken for {names[found]} {pixels / total:.0%}" for pixels, true, found in wrong)
    if of["causes"] and of["wrong_pixels"]:
        most = max(of["causes"], key=lambda entry: entry["pixels"])
        said += f". Most: {CAUSE_WORDS[most['cause']]} ({percent(most['share'])})."
    return _text(said, 600)


def _suspects(suspects: Sequence[tuple[float, str, Json]]) -> str:
    if not suspects:
        return ""
    rows = [
        [
            _text(name),
            _text(found["labelled_label"]),
            _text(found["predicted_label"]),
            percent(found["confidence"]),
            percent(found["label_probability"]),
            number(found["area"]),
            ", ".join(map(str, found["bbox"])),
        ]
        for _, name, found in suspects
    ]
    head = ("picture", "labelled", "predicted", "sure", "label probable", "pixels", "box x, y, w, h")
    said = "Regions where the network is sure and the label improbable: the label may be wrong."
    return heading("Label suspects", said) + table(head, rows)
