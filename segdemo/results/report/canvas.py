"""What the report's canvas shows, as the plain values that ``report.js`` reads."""

from typing import Any

import numpy as np

from segdemo.packing import pack, to_bytes
from segdemo.prediction import Prediction
from segdemo.results.entries import class_entry
from segdemo.results.make import reduced
from segdemo.results.report.asked import ReportOptions
from segdemo.results.report.found import Found
from segdemo.results.report.pictures import Pictures

_LEVEL = 9
"""Of compression."""
_NONE = 65535


def canvas_data(
    prediction: Prediction,
    asked: ReportOptions,
    found: Found,
    pictures: Pictures,
    entries: list[dict[str, Any]],
    listed: list[dict[str, Any]],
) -> dict[str, Any]:
    """The photo, its maps with ``entries`` and ``listed`` as their classes and segments, and what goes with them."""
    shown, options, taxonomy = pictures.planes, found.options, prediction.taxonomy
    maps: dict[str, Any] = {
        "semantic": _map(found.semantic.labels, pictures, entries, _NONE, ("class", "classes")),
    }
    if found.segments is not None:
        noun = "object" if found.segments.options.task == "instance" else "segment"
        maps["segments"] = _map(found.segments.labels, pictures, listed, 0, (noun, f"{noun}s"))
    named = {int(index) for plane in (shown.top, shown.runner_up) for index in np.unique(plane) if index >= 0}
    evolution = pictures.layer_maps
    return {
        "photo": {
            "src": pictures.photo,
            "height": pictures.size[0],
            "width": pictures.size[1],
            "alt": asked.photo,
        },
        "look": {"opacity": options.opacity, "outlines": options.outlines, "hatching": options.hatching},
        "shown": _shown(found),
        "visible": None if options.show_classes is None else list(options.show_classes),
        "maps": maps,
        "planes": {
            "height": shown.top.shape[0],
            "width": shown.top.shape[1],
            "labels": {str(index): taxonomy[index].name for index in sorted(named)},
            "arrays": {
                "top": pack(to_bytes(shown.top_probability), level=_LEVEL),
                "topId": pack(shown.top.astype(np.uint16), level=_LEVEL),
                "runner": pack(shown.runner_up.astype(np.uint16), level=_LEVEL),
                "runnerProb": pack(to_bytes(shown.runner_up_probability), level=_LEVEL),
                "query": pack(shown.query.astype(np.uint16), level=_LEVEL),
                "entropy": pack(to_bytes(shown.entropy), level=_LEVEL),
            },
        },
        "layers": None
        if evolution is None
        else {
            "maps": pack(evolution, level=_LEVEL),
            "entries": [class_entry(taxonomy, int(index)) for index in np.unique(evolution) if index != _NONE],
        },
        "attention": [
            {
                "map": pack(to_bytes(values / max(float(values.max()), 1e-30)), level=_LEVEL),
                "max": float(values.max()),
                "title": f"Attention of query {query}, layer {layer}, mean of heads",
            }
            for values, (layer, query) in zip(pictures.attention_maps, found.attention, strict=True)
        ],
        "votes": None if pictures.vote_masks is None else pack(to_bytes(pictures.vote_masks), level=_LEVEL),
        "pixel": _pixel(prediction, found),
    }


def _shown(found: Found) -> str:
    """What the canvas shows first."""
    if found.main is found.segments:
        return "segments"
    return {"classes": "semantic", "confidence": "top", "entropy": "entropy"}[found.options.view]


def _map(
    labels: Any, pictures: Pictures, entries: list[dict[str, Any]], none: int, noun: tuple[str, str]
) -> dict[str, Any]:
    ids = reduced(np.where(labels < 0, none, labels), pictures.size)
    return {"ids": pack(ids, level=_LEVEL), "none": none, "noun": list(noun), "entries": entries}


def _pixel(prediction: Prediction, found: Found) -> dict[str, Any] | None:
    """The marker of the pixel that was picked, and what is known of it exactly."""
    told = found.explanation
    if told is None:
        return None
    height, width = prediction.image_size
    first, second = (told["classes"] + [None])[:2]
    return {
        "x": (told["pixel"]["x"] + 0.5) / width,
        "y": (told["pixel"]["y"] + 0.5) / height,
        "exact": {
            "classId": first["category_id"],
            "label": first["label"],
            "probability": first["probability"],
            "runner": second and second["label"],
            "runnerProbability": second and second["probability"],
            "query": first["votes"][0]["query"] if first["votes"] else None,
        },
    }
