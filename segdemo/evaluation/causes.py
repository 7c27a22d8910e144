"""Where in the network a mistake came in: one cause for every wrong pixel.

Going backwards from the result, a wrong pixel has the first cause that holds, an index into ``CAUSES``:

1. *refinement*: the map before morphology or CRF was right there;
2. *filter* (only where panoptic segments are judged): a query whose class is right covers the pixel, and the thresholds
   dropped it - it is in no segment of the result - or they left the pixel in no segment at all;
3. *vote*: a query whose class is right covers the pixel, and others outweighed it;
4. *classification*: a query covers the pixel, and its class is another;
5. *no query*: none covers it.

All is said of the last layer. The *class of a query* is its most probable one, "no object" left out. A query whose most
probable answer is "no object" names nothing, covers nothing, and is passed over: no loss has trained its mask, as only
matched queries have one (Cheng et al., CVPR 2022, section 3.2.3 and the matching of MaskFormer, NeurIPS 2021), and the
paper's panoptic procedure drops it before any threshold. What faint votes of such queries decide together is thus *no
query*. A query *covers* a pixel where its mask probability there is at least ``COVERED``, at the photograph's own size
and by the procedure that made the result: the semantic one resizes probabilities, the panoptic one logits.

Where the truth says that no class is there, no query's class can be right, and only the last two are left.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.confusion import Labels
from segdemo.evaluation.errors import is_right
from segdemo.labels import VOID
from segdemo.prediction import Prediction
from segdemo.segmentation.sampling import Float32, grid, sigmoid, softmax
from segdemo.segmentation.scores import Tile, resize, tiles
from segdemo.threads import in_threads

Cause = Literal["none", "refinement", "filter", "vote", "classification", "no query"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
"""What the values of a map of causes mean, by value; ``none`` where a pixel is right or has no label."""
NONE, REFINEMENT, FILTER, VOTE, CLASSIFICATION, NO_QUERY = range(len(CAUSES))

COVERED = 0.5
"""The mask probability from which on a query covers a pixel."""

UInt8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Naming:
    """The queries of a layer that name a class."""

    queries: npt.NDArray[np.intp]
    """(n,), ascending."""
    classes: npt.NDArray[np.intp]
    """(n,): the class that each names."""


def naming(prediction: Prediction, *, layer: int = -1) -> Naming:
    """The queries whose most probable answer is a class. Raises ``NotOfferedError`` for networks without queries."""
    probabilities = softmax(prediction.class_logits(layer))
    best = probabilities.argmax(axis=1)
    queries = np.flatnonzero(best < probabilities.shape[1] - 1)
    return Naming(queries, best[queries])


def error_causes(
    prediction: Prediction,
    truth: Labels,
    judged: Labels,
    *,
    before: Labels | None = None,
    kept: Collection[int] | None = None,
) -> UInt8:
    """The cause of every wrong pixel: uint8 (H, W), indices into ``CAUSES``.

    ``truth`` and ``judged`` (H, W) are the true and the resulting classes at the photograph's size, as in
    ``error_kinds``; ``before`` is the map that was refined, where the result is a refined one; ``kept`` are the queries
    that are in a segment, where panoptic segments are judged. Beyond the result, memory grows with the wrong pixels of
    a few tiles only. Raises ``NotOfferedError`` with the family's sentence for networks without queries, ``ValueError``
    for shapes other than the photograph's.
    """
    prediction.require("queries")
    if not truth.shape == judged.shape == prediction.image_size:
        raise ValueError(f"truth is {truth.shape}, result {judged.shape}: the photograph is {prediction.image_size}")
    wrong = (truth != VOID) & ~is_right(truth, judged)
    causes = np.where(wrong, NO_QUERY, NONE).astype(np.uint8)
    speakers = naming(prediction)
    masks = np.asarray(prediction.masks[-1][speakers.queries], np.float32)
    in_segment = np.ones(len(masks), bool) if kept is None else np.isin(speakers.queries, list(kept))

    def fill(tile: Tile) -> None:
        here = tile.output
        asked = wrong[here]
        if not asked.any():
            return
        target, true = causes[here], truth[here]
        covered, right, dropped = (np.zeros(asked.shape, bool) for _ in range(3))
        for query, mask in covering(masks, tile, by_logits=kept is not None):
            covered |= mask
            mask = mask & (true == speakers.classes[query])
            right |= mask
            if not in_segment[query]:
                dropped |= mask
        if kept is not None:
            dropped |= right & (judged[here] < 0)
        for cause, holds in ((CLASSIFICATION, covered), (VOTE, right), (FILTER, dropped)):
            target[asked & holds] = cause

    if len(masks) and wrong.any():
        in_threads(fill, tiles(grid(prediction), masks))
    if before is not None:
        causes[wrong & is_right(truth, before)] = REFINEMENT
    return causes


def covering(masks: Float32, tile: Tile, *, by_logits: bool) -> list[tuple[int, Mask]]:
    """Which of ``masks`` (n, h, w) cover pixels of a tile, and which of its pixels: bool (rows, columns) each.

    ``by_logits`` resizes logits, as the panoptic procedure does, else probabilities, as the semantic one.
    """
    shape = len(tile.rows.direct), len(tile.columns.direct)
    # What the cells around a tile say bounds all that lies between them.
    wholly = np.flatnonzero(tile.low >= COVERED)
    partly = np.flatnonzero((tile.low < COVERED) & (tile.high >= COVERED))
    found: list[tuple[int, Mask]] = [(int(query), np.ones(shape, bool)) for query in wholly]
    for query in partly.tolist():
        cells = masks[query, tile.rows.cells, tile.columns.cells]
        if by_logits:
            mask = tile.rows.direct @ cells @ tile.columns.direct.T >= 0
        else:
            samples = sigmoid(tile.rows.up @ cells @ tile.columns.up.T)
            mask = resize(samples[None], tile)[0] >= COVERED
        found.append((query, np.asarray(mask)))
    return found


def counts(causes: UInt8) -> npt.NDArray[np.int64]:
    """Pixels of each cause, in the order of ``CAUSES``."""
    return np.bincount(causes.ravel(), minlength=len(CAUSES)).astype(np.int64)
