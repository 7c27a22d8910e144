"""Measures as JSON types: one shape for a picture and for a set, for the page, the endpoint and the command."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.confusion import ABSENT, Confusion
from segdemo.evaluation.errors import KINDS
from segdemo.evaluation.quality import Quality
from segdemo.evaluation.slices import UNITS
from segdemo.evaluation.tally import MapTally, Tally

NO_CLASS_LABEL = "(no class)"


def figures(
    tally: Tally,
    labels: Mapping[int, str],
    things: Collection[int],
    *,
    no_causes: str = "",
    no_layers: str = "",
    no_panoptic: str = "",
) -> dict[str, Any]:
    """All measures of a tally; shares, scores and probabilities 0 to 1, ``None`` where there is nothing to measure.

    ``labels`` are the checkpoint's classes by index, ``things`` the countable ones; ``no_causes``, ``no_layers``
    and ``no_panoptic`` are the sentences for networks without.
    """
    result, wrong = tally.result, int(tally.kinds[2:].sum())
    confusion = result.confusion
    return {
        "pictures": tally.pictures,
        "labelled_pixels": confusion.pixels,
        "ignored_pixels": int(tally.kinds[0]),
        "right_pixels": int(tally.kinds[1]),
        "wrong_pixels": wrong,
        **_scores(result),
        **_qualities(result, confusion.classes, things),
        "no_panoptic": no_panoptic,
        "absent_classes": ABSENT,
        "classes": _classes(result, labels),
        "confusion": _matrix(confusion, labels),
        "errors": {
            "width": tally.width,
            "kinds": [
                {"kind": kind, "pixels": int(pixels), "share": _share(int(pixels), wrong)}
                for kind, pixels in list(zip(KINDS, tally.kinds, strict=True))[2:]
            ],
        },
        "causes": None
        if no_causes
        else [
            {"cause": cause, "pixels": int(pixels), "share": _share(int(pixels), wrong)}
            for cause, pixels in list(zip(CAUSES, tally.causes, strict=True))[1:]
        ],
        "no_causes": no_causes,
        "lost_at": [
            {"layer": layer, "pixels": pixels, "share": _share(pixels, wrong)}
            for layer, pixels in enumerate(tally.lost, start=-1)
        ],
        "calibration": {
            "ece": result.reliability.ece,
            "bins": [vars(found) for found in result.reliability.bins],
        },
        "slices": [
            {"by": name, "unit": UNITS[name], "slices": [vars(found) for found in sliced.slices]}
            for name, sliced in tally.slices.items()
        ],
        "layers": [
            {
                "layer": number,
                **_scores(layer),
                "ece": layer.reliability.ece,
                "classes": [{"id": index, "iou": iou} for index, iou in layer.confusion.class_iou.items()],
                "slices": [
                    {
                        "by": name,
                        "accuracy": [
                            _share(*both)
                            for both in zip(right.tolist(), tally.slices[name].pixels.tolist(), strict=True)
                        ],
                    }
                    for name, right in layer.right_in_slices.items()
                ],
                **({"panoptic": _quality(layer.quality.mean())} if layer.quality is not None else {}),
            }
            for number, layer in enumerate(tally.layers)
        ],
        "no_layers": no_layers,
    }


def _scores(of: MapTally) -> dict[str, Any]:
    some = of.confusion.pixels > 0
    return {
        "pixel_accuracy": of.confusion.pixel_accuracy if some else None,
        "miou": of.confusion.miou if some else None,
        "miou_per_image": of.image_miou.value,
        "frequency_weighted_iou": of.confusion.frequency_weighted_iou if some else None,
        "boundary_f": of.boundary.value,
    }


def _qualities(of: MapTally, classes: int, things: Collection[int]) -> dict[str, Any]:
    quality = of.quality
    stuff = set(range(classes)) - set(things)
    return {
        name: _quality(quality.mean(of_these)) if quality is not None else None
        for name, of_these in (("panoptic", None), ("things", things), ("stuff", stuff))
    }


def _quality(quality: Quality | None) -> dict[str, float] | None:
    return None if quality is None else {"pq": quality.pq, "sq": quality.sq, "rq": quality.rq}


def _classes(of: MapTally, labels: Mapping[int, str]) -> list[dict[str, Any]]:
    iou, accuracy = of.confusion.class_iou, of.confusion.class_accuracy
    quality = of.quality.by_class if of.quality is not None else {}
    true, found = of.confusion.matrix.sum(axis=1), of.confusion.matrix.sum(axis=0)
    present = sorted({*iou, *quality, *np.flatnonzero(found[:-1]).tolist()})
    return [
        {
            "id": index,
            "label": labels.get(index, f"class {index}"),
            "true_pixels": int(true[index]),
            "predicted_pixels": int(found[index]),
            "iou": iou.get(index),
            "accuracy": accuracy.get(index),
            "boundary_f": of.class_boundary[index].value if index in of.class_boundary else None,
            "panoptic": _quality(quality.get(index)),
        }
        for index in present
    ]


def _matrix(confusion: Confusion, labels: Mapping[int, str]) -> dict[str, Any]:
    """The classes present in either map, -1 for no class, and the cells that are not empty: true, predicted, pixels."""
    rows, columns = np.nonzero(confusion.matrix)
    last = confusion.classes
    present = sorted({*rows.tolist(), *columns.tolist()})
    names = {index: labels.get(index, f"class {index}") if index < last else NO_CLASS_LABEL for index in present}
    return {
        "classes": [{"id": index if index < last else -1, "label": names[index]} for index in present],
        "cells": [
            [row if row < last else -1, column if column < last else -1, int(confusion.matrix[row, column])]
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ],
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
