"""A map of three regions for the tests of the canvas viewer alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .harness import ViewerPage

MakeViewer = Callable[..., ViewerPage]

SKY, GRASS, CAR, NONE = 0, 1, 2, 255
LABELS = ["sky", "grass", "car"]
COLORS = {SKY: [10, 20, 200], GRASS: [10, 200, 20], CAR: [200, 20, 20]}
ENTRIES: list[dict[str, Any]] = [
    {"id": SKY, "label": "sky", "color": COLORS[SKY], "isthing": False, "area": 0.46},
    {"id": GRASS, "label": "grass", "color": COLORS[GRASS], "isthing": False, "area": 0.45},
    {"id": CAR, "label": "car", "color": COLORS[CAR], "isthing": True, "area": 0.0833},
]
IN_SKY, IN_GRASS, IN_CAR = (0.1, 0.5), (0.9, 0.5), (0.5, 0.5)


def three_regions() -> npt.NDArray[np.uint8]:
    """80 x 60: sky on the left, grass on the right, a car of 20 x 20 in the middle, one bare corner pixel."""
    ids = np.full((60, 80), SKY, np.uint8)
    ids[:, 40:] = GRASS
    ids[20:40, 30:50] = CAR
    ids[0, 0] = NONE
    return ids


def planes() -> dict[str, npt.NDArray[np.uint8]]:
    """Quarter-size planes: the map's own classes with 93 %, runner-up grass with 4 %, query 17."""
    top = three_regions()[2::4, 2::4]
    flat = np.full_like(top, 1)
    return {"top": flat * 237, "topId": top, "runner": flat * GRASS, "runnerProb": flat * 10, "query": flat * 17}


def shown(make_viewer: MakeViewer, **options: Any) -> ViewerPage:
    """A viewer with the three regions on it."""
    viewer = make_viewer(**options)
    viewer.load(three_regions(), ENTRIES, planes=planes(), labels=LABELS)
    return viewer
