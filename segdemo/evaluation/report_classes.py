"""The classes of a report: a table of them, and the confusion matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

from segdemo.evaluation.html import bar, heading, number, percent, table, text

MATRIX = 30
"""Classes of the matrix, at most: those with the most true pixels."""

Json = Mapping[str, Any]


def class_rows(of: Json) -> str:
    """A table of all classes, the largest first."""
    entries = sorted(of["classes"], key=lambda entry: (-entry["true_pixels"], -entry["predicted_pixels"]))
    qualities = ("pq", "sq", "rq") if of["panoptic"] is not None else ()
    rows = [
        [
            text(entry["label"]),
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


def matrix(of: Json) -> str:
    """The confusion matrix of the largest classes."""
    cells = {(true, found): pixels for true, found, pixels in of["confusion"]["cells"]}
    true_pixels: dict[int, int] = {}
    for (true, _), pixels in cells.items():
        true_pixels[true] = true_pixels.get(true, 0) + pixels
    names = {entry["id"]: entry["label"] for entry in of["confusion"]["classes"]}
    shown = sorted(names, key=lambda index: -true_pixels.get(index, 0))[:MATRIX]
    top = "".join(f'<th scope="col">{text(names[index], 24)}</th>' for index in shown)
    body = []
    for true in [index for index in shown if index in true_pixels]:
        total = true_pixels.get(true, 0)
        row = [_cell(cells.get((true, found), 0), total, true == found) for found in shown]
        body.append(f'<tr><th scope="row">{text(names[true], 24)}</th>{"".join(row)}</tr>')
    said = "Rows are the truth, columns the prediction; percent of the row."
    if len(names) > MATRIX:
        said += f" The {MATRIX} classes with the most true pixels of {len(names)} that are there."
    head = f"<thead><tr><th></th>{top}</tr></thead><tbody>{''.join(body)}</tbody>"
    return heading("Confusion matrix", said) + f'<div class="scroll"><table class="matrix">{head}</table></div>'


def class_layers(of: Json) -> str:
    """The IoU of the largest classes after every decoder layer; empty without layers."""
    known = sorted((entry for entry in of["classes"] if entry["iou"] is not None), key=lambda one: -one["true_pixels"])
    layers = [{entry["id"]: entry["iou"] for entry in layer["classes"]} for layer in of["layers"]]
    rows = [(text(entry["label"], 24), [layer.get(entry["id"]) for layer in layers]) for entry in known[:MATRIX]]
    said = "IoU in percent of the network's own map after each decoder layer; the classes with the most true pixels."
    return heading("Classes, layer by layer", said) + _by_layer(rows) if layers and rows else ""


def slice_layers(of: Json) -> str:
    """Accuracy in every slice after every decoder layer; empty without layers."""
    rows = [
        (text(f"{cut['by']} {span(entry)}"), [_of_slice(layer, cut["by"], place) for layer in of["layers"]])
        for cut in of["slices"]
        for place, entry in enumerate(cut["slices"])
        if entry["pixels"]
    ]
    said = (
        "Accuracy in percent of the network's own map after each decoder layer, over the pixels of the result's slices."
    )
    return heading("Slices, layer by layer", said) + _by_layer(rows) if of["layers"] and rows else ""


def span(entry: Json) -> str:
    """The edges of a slice in words."""
    low, high = entry["low"], entry["high"]
    if low is None or high is None:
        return f"below {high:g}" if low is None else f"from {low:g}"
    return f"{low:g} to {high:g}"


def _of_slice(layer: Json, by: str, place: int) -> float | None:
    return next((float(cut["accuracy"][place]) for cut in layer["slices"] if cut["by"] == by), None)


def _by_layer(rows: Sequence[tuple[str, Sequence[float | None]]]) -> str:
    """Shares with a column for each decoder layer from 0; names are HTML already."""
    top = "".join(f'<th scope="col">{layer}</th>' for layer in range(len(rows[0][1])))
    body = "".join(f'<tr><th scope="row">{name}</th>{"".join(map(_share, values))}</tr>' for name, values in rows)
    head = f"<thead><tr><th></th>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scroll"><table class="matrix">{head}</table></div>'


def _share(value: float | None) -> str:
    if value is None:
        return "<td>–</td>"
    return f'<td style="background:rgba(47,143,91,{value:.2f})">{100 * value:.0f}</td>'


def _cell(pixels: int, total: int, right: bool) -> str:
    share = pixels / total if total else 0.0
    color = "47,143,91" if right else "209,102,43"
    shown = f"{100 * share:.0f}" if share >= 0.005 else ""
    return f'<td title="{pixels} pixels" style="background:rgba({color},{min(1.0, share):.2f})">{shown}</td>'
