"""Accuracy by what a pixel is like: the size of its true region, how far it is from a border, how sure the network is.

A slice holds the labelled pixels whose value is at least its lower and below its upper edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.regions import Regions

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

EDGES: Mapping[str, tuple[float, ...]] = {
    "area": (0.001, 0.005, 0.02, 0.1),
    "distance": (2.0, 4.0, 8.0, 16.0, 32.0),
    "confidence": (0.2, 0.4, 0.6, 0.8, 0.95),
}
"""The edges between the slices of each way to cut: ``area`` is that of the pixel's 8-connected true region as a share
of the picture, ``distance`` that to a true border in pixels (``errors.border_distance``), ``confidence`` the
probability of the class that the network gave it, 0 to 1."""
UNITS: Mapping[str, str] = {"area": "share of the picture", "distance": "pixels", "confidence": "probability"}
NONE = 255
"""In a map of slices: no label."""


@dataclass(frozen=True)
class Slice:
    """The pixels between two edges."""

    low: float | None
    """At least this; none where nothing bounds it."""
    high: float | None
    """Below this; none where nothing bounds it."""
    pixels: int
    accuracy: float | None
    """Share of them that are right, 0 to 1; none without any."""
    pictures: int
    """Pictures that have some."""


class Sliced:
    """Accuracy along one way to cut, to which pictures are added one by one."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = tuple(edges)
        self.pixels, self.right, self.pictures = (np.zeros(len(edges) + 1, np.int64) for _ in range(3))

    def add(self, places: UInt8, right: npt.NDArray[np.bool_]) -> None:
        """Count a picture: the slice of each labelled pixel, and whether it is right; alike (n,)."""
        pixels = np.bincount(places, minlength=len(self.pixels))
        self.pixels += pixels
        self.right += np.bincount(places[right], minlength=len(self.pixels))
        self.pictures += pixels > 0

    def merge(self, other: "Sliced") -> None:
        """Count another's pictures as well; it must have the same edges."""
        self.pixels += other.pixels
        self.right += other.right
        self.pictures += other.pictures

    @property
    def slices(self) -> tuple[Slice, ...]:
        """From the lowest values to the highest."""
        lows, highs = (None, *self.edges), (*self.edges, None)
        rows = zip(lows, highs, self.pixels.tolist(), self.right.tolist(), self.pictures.tolist(), strict=True)
        return tuple(
            Slice(low, high, pixels, right / pixels if pixels else None, pictures)
            for low, high, pixels, right, pictures in rows
        )

    def state(self) -> dict[str, Any]:
        """The sums, as JSON types."""
        names = ("pixels", "right", "pictures")
        return {"edges": list(self.edges), **{name: getattr(self, name).tolist() for name in names}}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Sliced":
        """What ``state`` was taken of."""
        found = cls(state["edges"])
        found.pixels, found.right, found.pictures = (
            np.asarray(state[name], np.int64) for name in ("pixels", "right", "pictures")
        )
        return found


def slice_maps(
    labelled: npt.NDArray[np.bool_], true_regions: Regions, distance: Float32, confidence: Float32
) -> dict[str, UInt8]:
    """The slice of every pixel along each way to cut: uint8 (H, W) each, ``NONE`` where there is no label."""
    shares = true_regions.areas / labelled.size
    found = {
        "area": _places(shares, EDGES["area"])[true_regions.ids],
        "distance": _places(distance, EDGES["distance"]),
        "confidence": _places(confidence, EDGES["confidence"]),
    }
    for places in found.values():
        places[~labelled] = NONE
    return found


def _places(values: npt.NDArray[np.floating], edges: Sequence[float]) -> UInt8:
    places = np.zeros(values.shape, np.uint8)
    for edge in edges:
        places += values >= np.asarray(edge, values.dtype)
    return places
