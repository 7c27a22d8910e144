"""Where the label may be wrong rather than the network.

A pixel is suspect where it is wrong by its label, the network gave its class a probability of at least ``sure`` and the
label's class one of at most ``improbable``, and it is not in the boundary band, where outlines are drawn by taste.
8-connected suspect pixels of one predicted class and one true class are a suspect, from ``SUSPECT_AREA`` of the picture
on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.confusion import Labels
from segdemo.evaluation.errors import BOUNDARY, IGNORED, RIGHT, UInt8
from segdemo.evaluation.regions import regions
from segdemo.labels import VOID
from segdemo.prediction import Prediction
from segdemo.segmentation import per_pixel
from segdemo.segmentation.sampling import Float32, grid
from segdemo.segmentation.scores import TINY, Tile, class_weights, movers, tile_scores, tiles
from segdemo.settings import SUSPECT_AREA, SUSPECT_IMPROBABLE, SUSPECT_SURE
from segdemo.threads import in_threads

MOST = 50
"""Suspects that are listed, at most; a map of them has 8 bits."""


@dataclass(frozen=True)
class Suspect:
    """A region whose label is improbable."""

    predicted: int
    """The class that the network is sure of."""
    labelled: int
    """The class of the label; ``NOTHING`` where it says that none is there."""
    area: int
    """Pixels."""
    bbox: tuple[int, int, int, int]
    """x, y, width, height in pixels."""
    point: tuple[int, int]
    """Row and column of one of its pixels, in its middle row."""
    confidence: float
    """Mean probability of the predicted class, 0 to 1."""
    label_probability: float
    """Mean probability of the label's class, 0 to 1."""


def label_probability(prediction: Prediction, truth: Labels) -> Float32:
    """The probability of each pixel's true class: float32 (H, W), 0 where it has none; a score over their sum.

    ``truth`` (H, W) holds class indices at the photograph's size, negative values for none. Memory beyond the result
    does not grow with the photograph, but with the classes of a tile.
    """
    if prediction.logits is not None:
        return per_pixel.of_labels(prediction, truth)
    layout = grid(prediction, (truth.shape[0], truth.shape[1]))
    masks = np.asarray(prediction.masks[-1], np.float32)
    weights = class_weights(prediction)
    totals = weights.sum(axis=1)
    result = np.zeros(truth.shape, np.float32)

    def fill(tile: Tile) -> None:
        here = tile.output
        true = truth[here]
        found = np.unique(true)
        found = found[found >= 0].astype(np.intp)
        if not len(found):
            return
        asked = np.column_stack([weights[:, found], totals])
        planes = tile_scores(masks, asked, tile, movers(asked, tile))
        scale = 1 / np.maximum(planes[-1], TINY)
        for place, index in enumerate(found.tolist()):
            np.multiply(planes[place], scale, out=result[here], where=true == index)

    in_threads(fill, tiles(layout, masks))
    return result


@dataclass(frozen=True, eq=False)
class Doubts:
    """The wrong pixels that are suspect unless they are in the boundary band, by their place in the flat picture."""

    places: npt.NDArray[np.intp]
    truth: npt.NDArray[np.integer]
    predicted: npt.NDArray[np.integer]
    confidence: Float32
    probability: Float32

    def suspects(self, kinds: UInt8) -> tuple[tuple[Suspect, ...], UInt8]:
        """As ``suspects``, for kinds (H, W) that differ in the boundary band only."""

        def spread(values: npt.NDArray[np.generic], rest: float) -> npt.NDArray[Any]:
            whole = np.full(kinds.shape, rest, values.dtype)
            whole.flat[self.places] = values
            return whole

        return suspects(
            spread(self.truth, VOID),
            spread(self.predicted, VOID),
            kinds,
            spread(self.confidence, 0),
            spread(self.probability, 1),
        )


def doubts(truth: Labels, predicted: Labels, kinds: UInt8, confidence: Float32, probability: Float32) -> Doubts:
    """What ``suspects`` of the same arguments looks at, whatever the boundary band's width."""
    wrong = (kinds != IGNORED) & (kinds != RIGHT) & (predicted >= 0)
    places = np.flatnonzero(wrong & (confidence >= SUSPECT_SURE) & (probability <= SUSPECT_IMPROBABLE))
    return Doubts(
        places,
        truth.ravel()[places],
        predicted.ravel()[places],
        confidence.ravel()[places],
        probability.ravel()[places],
    )


def suspects(
    truth: Labels,
    predicted: Labels,
    kinds: UInt8,
    confidence: Float32,
    probability: Float32,
    *,
    sure: float = SUSPECT_SURE,
    improbable: float = SUSPECT_IMPROBABLE,
    most: int = MOST,
) -> tuple[tuple[Suspect, ...], UInt8]:
    """The suspects, those with the largest area times sureness first, at most ``most``, and a map of them.

    The map is uint8 (H, W): 1 + the place in the list, 0 where there is none.

    All maps are (H, W): true and predicted classes, kinds of errors, the probability of the predicted class and that of
    the true one (``label_probability``), 0 to 1.
    """
    doubtful = (kinds != IGNORED) & (kinds != RIGHT) & (kinds != BOUNDARY) & (predicted >= 0)
    doubtful &= (confidence >= sure) & (probability <= improbable)
    numbered = np.zeros(truth.shape, np.uint8)
    if not doubtful.any():
        return (), numbered
    # One number for each pair of classes; NOTHING is the lowest.
    pairs = predicted.astype(np.int64) * (1 << 20) + (truth.astype(np.int64) + 2)
    found = regions(np.where(doubtful, pairs, VOID))
    order = np.argsort(found.ids.ravel(), kind="stable")
    ends = np.cumsum(found.areas)
    listed: list[tuple[Suspect, npt.NDArray[np.intp]]] = []
    for number in np.flatnonzero(found.areas >= max(1.0, SUSPECT_AREA * truth.size)).tolist():
        if number == 0:
            continue
        pixels = order[ends[number - 1] : ends[number]]
        rows, columns = np.divmod(pixels, truth.shape[1])
        middle = pixels[len(pixels) // 2]
        left, top = int(columns.min()), int(rows[0])
        suspect = Suspect(
            int(predicted.flat[middle]),
            int(truth.flat[middle]),
            len(pixels),
            (left, top, int(columns.max()) - left + 1, int(rows[-1]) - top + 1),
            (int(middle // truth.shape[1]), int(middle % truth.shape[1])),
            float(confidence.flat[pixels].mean(dtype=np.float64)),
            float(probability.flat[pixels].mean(dtype=np.float64)),
        )
        listed.append((suspect, pixels))
    listed.sort(key=lambda entry: -entry[0].area * entry[0].confidence)
    listed = listed[:most]
    for place, (_, pixels) in enumerate(listed, start=1):
        numbered.flat[pixels] = place
    return tuple(suspect for suspect, _ in listed), numbered
