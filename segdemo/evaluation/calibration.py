"""Whether a network is as sure as it is right: the reliability diagram and the expected calibration error.

Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017. Pixels are grouped by the
probability of the class that they got into bins of equal width, ((m - 1) / M, m / M]; the expected calibration error
(ECE) is the mean over pixels of the difference between a bin's accuracy and its mean probability.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15
"""M, as in the paper."""

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Bin:
    """A bin of the reliability diagram."""

    low: float
    """Probabilities above this, 0 to 1, and in the first bin 0 itself."""
    high: float
    """Probabilities up to this, 0 to 1."""
    pixels: int
    confidence: float | None
    """Mean probability of its pixels, 0 to 1; none without any."""
    accuracy: float | None
    """Share of its pixels that are right, 0 to 1; none without any."""


class Reliability:
    """The reliability diagram, to which pictures are added one by one."""

    def __init__(self, bins: int = BINS) -> None:
        self.pixels: npt.NDArray[np.int64] = np.zeros(bins, np.int64)
        self.right: npt.NDArray[np.int64] = np.zeros(bins, np.int64)
        self.confidence: npt.NDArray[np.float64] = np.zeros(bins)
        """Sum of the probabilities in each bin."""

    def add(self, confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> None:
        """Count pixels: the probability of the class that each got, 0 to 1, and whether that is right; alike (n,)."""
        places = bin_of(confidence, len(self.pixels))
        self.pixels += np.bincount(places, minlength=len(self.pixels))
        self.right += np.bincount(places[right], minlength=len(self.pixels))
        self.confidence += np.bincount(places, weights=confidence, minlength=len(self.pixels))

    def merge(self, other: "Reliability") -> None:
        """Count another's pixels as well; it must have as many bins."""
        self.pixels += other.pixels
        self.right += other.right
        self.confidence += other.confidence

    @property
    def ece(self) -> float | None:
        """Expected calibration error, 0 to 1; none without pixels."""
        total = int(self.pixels.sum())
        return float(np.abs(self.right - self.confidence).sum() / total) if total else None

    @property
    def bins(self) -> tuple[Bin, ...]:
        """The diagram, from unsure to sure."""
        number = len(self.pixels)
        return tuple(
            Bin(
                place / number,
                (place + 1) / number,
                int(pixels),
                float(self.confidence[place] / pixels) if pixels else None,
                float(self.right[place] / pixels) if pixels else None,
            )
            for place, pixels in enumerate(self.pixels.tolist())
        )

    def state(self) -> dict[str, Any]:
        """The sums, as JSON types."""
        return {"pixels": self.pixels.tolist(), "right": self.right.tolist(), "confidence": self.confidence.tolist()}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Reliability":
        """What ``state`` was taken of."""
        found = cls(len(state["pixels"]))
        found.pixels, found.right = (np.asarray(state[name], np.int64) for name in ("pixels", "right"))
        found.confidence = np.asarray(state["confidence"], np.float64)
        return found


def bin_of(confidence: npt.NDArray[np.floating], bins: int = BINS) -> UInt8:
    """The bin of each probability: uint8 of the same shape."""
    return np.clip(np.ceil(confidence * np.float32(bins)) - 1, 0, bins - 1).astype(np.uint8)
