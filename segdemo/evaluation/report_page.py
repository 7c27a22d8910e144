"""A set's evaluation as one HTML file that opens anywhere and fetches nothing."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from segdemo.evaluation.html import (
    bar,
    contents,
    curves,
    document,
    heading,
    key,
    number,
    percent,
    reliability,
    table,
    text,
    tiles,
)
from segdemo.evaluation.legend import CAUSE_COLORS, CAUSE_WORDS, KIND_COLORS, KIND_WORDS
from segdemo.evaluation.report_classes import class_layers, class_rows, matrix, slice_layers, span
from segdemo.evaluation.report_pictures import Shown, label_suspects, worst_pictures

Json = Mapping[str, Any]


def report_page(
    about: Json,
    overall: Json,
    sets: Mapping[str, Json],
    worst: Sequence[Shown],
    suspects: Sequence[tuple[float, str, Json]],
) -> str:
    """The page: ``overall`` and ``sets`` as ``figures`` makes them, ``suspects`` with their weight and picture."""
    title = f"{about.get('checkpoint', 'A checkpoint')} on {overall['pictures']} pictures"
    top = [
        f"<h1>{text(title)}</h1>",
        "".join(f"<p>{text(str(line), 2000)}</p>" for line in about.get("about_data", ())),
        f"<p>Engine {text(str(about.get('engine')))}, {text(str(about.get('precision')))}, "
        f"input size {text(str(about.get('size')))}{_told(about)}.</p>",
        tiles(_headline(overall)),
        f"<p>{escape(overall['absent_classes'])}</p>",
        f"<p>There is no panoptic quality. {escape(overall['no_panoptic'])}</p>" if overall["no_panoptic"] else "",
    ]
    parts = [
        _sets(sets) if len(sets) > 1 else "",
        _errors(overall),
        _causes(overall),
        _layers(overall),
        _calibration(overall),
        slice_layers(overall),
        class_rows(overall),
        class_layers(overall),
        matrix(overall),
        worst_pictures(worst, overall),
        label_suspects(suspects),
    ]
    return document(title, [*top, contents(parts), *(part for part in parts if part)])


def photo_parts(of: Json) -> list[str]:
    """One photo's measures as parts of a page: ``of`` as ``Evaluation.to_json`` has them."""
    measures = tiles(_headline(of))
    said = f"<p>{escape(of['absent_classes'])}</p>"
    missing = f"<p>There is no panoptic quality. {escape(of['no_panoptic'])}</p>" if of["no_panoptic"] else ""
    return [measures + said + missing, _errors(of), _causes(of), _layers(of), class_rows(of)]


def _told(about: Json) -> str:
    return f", told the task {text(str(about['task']))}" if about.get("task") else ""


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
            text(name),
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
    more = [("fw IoU", [layer["frequency_weighted_iou"] for layer in of["layers"]])]
    for name in ("pq", "sq", "rq") if segmented else ():
        more.append((name.upper(), [(layer.get("panoptic") or {}).get(name) for layer in of["layers"]]))
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
        + curves(more, title="Further measures over decoder layers", across="decoder layer")
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
                    span(entry),
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
