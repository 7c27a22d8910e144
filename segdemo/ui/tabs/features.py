"""Features: the feature maps as pictures, for all scales at once, and the single channels of one of them."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.explain import features as explain
from segdemo.explain.features import FeatureMap
from segdemo.packing import pack, to_bytes
from segdemo.results.job import Job
from segdemo.ui.arguments import Arguments, choice, number, whole
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import small_size

VIEWS = ("colours", "norm", "alike", "channel")
"""What the pictures show: principal components, length, likeness to a pixel, the strongest channel."""
STRONGEST = 12
"""How many channels have a small picture."""
SMALL = 96
"""Long side of such a picture, in cells at most."""

Picture = dict[str, Any]


def features(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """One picture of every map in the ``view`` asked for; ``x`` and ``y`` (0 to 1) are the pixel to be like."""
    maps = explain.feature_maps(record.prediction)
    view = choice(arguments, "view", VIEWS)
    makers: dict[str, Callable[[FeatureMap], Picture]] = {
        "colours": lambda one: _colours(record, one),
        "norm": lambda one: _scalar(record, one, explain.norms(one.values)),
        "channel": lambda one: _channel(record, one, 0),
    }
    if view == "alike":
        x, y = (number(arguments, name, low=0, high=1) for name in ("x", "y"))
        pictures = _made(job, maps, lambda one: _alike(record, one, y, x))
    else:
        pictures = record.derive(("features", view), lambda: _made(job, maps, makers[view]))
    return {"maps": [_described(record, one) for one in maps], "pictures": pictures}


def channels(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The channel of ``rank`` (0 for the strongest) of map ``map``, and small pictures of the strongest."""
    maps = explain.feature_maps(record.prediction)
    one = maps[whole(arguments, "map", low=0, high=len(maps) - 1)]
    rank = whole(arguments, "rank", low=0, high=one.channels - 1)
    with job.turn():
        order = explain.strongest(_strengths(record, one))
        return {
            "picture": _channel(record, one, rank),
            "order": order,
            "small": pack(np.stack([_small(_values(one, channel)) for channel in order[:STRONGEST]])),
        }


def _made(job: Job, maps: tuple[FeatureMap, ...], make: Callable[[FeatureMap], Picture]) -> list[Picture]:
    pictures = []
    with job.turn():
        for one in maps:
            job.check()
            pictures.append(make(one))
    return pictures


def _described(record: Record, one: FeatureMap) -> dict[str, Any]:
    """What the page says of a map, and the grids of its windows."""
    windows = record.prediction.windows.get(one.stride) if one.part == "backbone" else None
    return {
        "part": one.part,
        "stage": one.stage,
        "stride": one.stride,
        "channels": one.channels,
        "cells": list(one.size),
        "words": explain.words(one),
        "windows": None
        if windows is None
        else {
            "words": explain.window_words(windows, one.size, one.stride),
            "shift": windows.shift,
            "grids": [
                pack(_over_photo(record, one, explain.window_ids(one.size, windows, shifted=shifted)))
                for shifted in (False, True)
            ],
        },
    }


def _colours(record: Record, one: FeatureMap) -> Picture:
    found = explain.principal_components(one.values)
    return {
        "colours": pack(_over_photo(record, one, explain.as_colours(found))),
        "words": explain.explained_words(found.explained),
    }


def _alike(record: Record, one: FeatureMap, y: float, x: float) -> Picture:
    cell = explain.cell_at(record.prediction, one, y, x)
    return {**_scalar(record, one, explain.similarity(one.values, *cell)), "cell": list(cell)}


def _channel(record: Record, one: FeatureMap, rank: int) -> Picture:
    channel = explain.strongest(_strengths(record, one))[rank]
    return {**_scalar(record, one, _values(one, channel)), "channel": channel}


def _strengths(record: Record, one: FeatureMap) -> npt.NDArray[np.float32]:
    key = ("channel strengths", one.part, one.stride)
    return record.derive(key, lambda: explain.channel_strengths(one.values))


def _values(one: FeatureMap, channel: int) -> npt.NDArray[np.float32]:
    return np.asarray(one.values[channel], np.float32)


def _scalar(record: Record, one: FeatureMap, values: npt.NDArray[np.float32]) -> Picture:
    """Values of cells as bytes, with the range that they span."""
    return {
        "values": pack(_over_photo(record, one, _scaled(values))),
        "range": [float(values.min()), float(values.max())],
    }


def _scaled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    return to_bytes((values - low) / (high - low)) if high > low else np.zeros(values.shape, np.uint8)


def _small(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    height, width = values.shape
    share = min(1.0, SMALL / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return _scaled(np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32))


def _over_photo(record: Record, one: FeatureMap, cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Cells (h, w) or (h, w, 3) so that they fill the photo."""
    under = explain.over_photo(record.prediction, one, small_size(record))
    return cells if under is None else cells.reshape(-1, *cells.shape[2:])[under]
