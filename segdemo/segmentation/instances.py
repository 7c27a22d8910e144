"""Instances from a prediction: things as masks that may overlap, each with a score of its own.

Procedure (``instance_inference`` in ``maskformer_model.py``, Cheng et al., CVPR 2022): of all pairs of a query and a
class the most probable ones are instances; the score is the class probability times the mean mask probability inside
the mask, at the photograph's size; of a network that learned stuff as well, pairs with a stuff class are left out.
Nothing competes for pixels: where masks overlap, the surest is drawn on top.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size
from segdemo.segmentation.panoptic import Segment, Segments, checked, stuff_of
from segdemo.segmentation.runs import Bool, Mask
from segdemo.segmentation.sampling import Float32, Grid, grid, own_parts, sigmoid, softmax
from segdemo.segmentation.scores import ROUNDING, Tile, tiles
from segdemo.settings import MASK_THRESHOLD, SCORE_THRESHOLD
from segdemo.threads import in_threads

Int32 = npt.NDArray[np.int32]

MOST = 100
"""How many pairs of a query and a class are looked at, the most probable ones: ``TEST.DETECTIONS_PER_IMAGE``."""


@dataclass(frozen=True, eq=False)
class Instance:
    """One thing, with all of its mask, also where another lies on top."""

    id: int
    """Its value in ``Instances.ids`` where it lies on top, from 1 by falling score."""
    category_id: int
    """Class index of the checkpoint."""
    label: str
    score: float
    """Class probability times mean mask probability inside the mask, 0 to 1."""
    query: int
    mask: Mask

    isthing = True

    @property
    def queries(self) -> tuple[int, ...]:
        """The query, as a segment has its queries."""
        return (self.query,)

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return self.mask.area

    @property
    def bbox(self) -> tuple[int, int, int, int]:
        """x, y, width, height in pixels, of the mask."""
        return self.mask.box


@dataclass(frozen=True, eq=False)
class Instances(Segments):
    """Things that may overlap, and a map of what is seen of them.

    ``ids`` has the surest on top. ``segments_info`` tells of what is seen of each there, with the area and the box of
    that part, and leaves out what is wholly covered.
    """

    instances: tuple[Instance, ...]
    """By falling score; empty where no query was sure enough."""

    def redrawn(self, ids: Int32, segments_info: tuple[Segment, ...]) -> "Instances":
        """The same after what is seen has changed to ``ids``: masks follow there, and keep what was covered.

        An instance that was seen and is no more is left out.
        """
        seen = {segment.id for segment in segments_info}
        gone = {segment.id for segment in self.segments_info} - seen
        found = [self._moved(one, ids) if one.id in seen else one for one in self.instances if one.id not in gone]
        return Instances(ids, segments_info, tuple(found))

    def _moved(self, instance: Instance, ids: Int32) -> Instance:
        inside = instance.mask.array()
        inside &= self.ids != instance.id
        inside |= ids == instance.id
        return replace(instance, mask=Mask.of(inside, instance.mask.size))


@dataclass(frozen=True, eq=False)
class _Sampled:
    """A query's mask at the size asked for, cut out."""

    inside: Bool
    top: int
    left: int
    confidence: float
    """Mean mask probability inside, 0 to 1."""


def instances(
    prediction: Prediction,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    mask_threshold: float = MASK_THRESHOLD,
    stuff: Collection[int] | None = None,
    split_components: bool = False,
    min_area: int = 0,
    layer: int = -1,
    size: Size | None = None,
) -> Instances:
    """Things as masks that may overlap, the surest first.

    Of all pairs of a query and a class the ``MOST`` most probable ones count, if the class is a thing, the score (class
    probability times mean mask probability inside the mask) is above ``score_threshold`` and the mask is not empty: it
    is where the mask probability is above ``mask_threshold``. Both lie in 0 to 1; with a score threshold of 0 the
    result is what COCO's average precision asks for. ``stuff`` are the stuff classes' indices, by default those of the
    checkpoint's taxonomy. ``split_components`` makes an instance of every 8-connected part. Instances under
    ``min_area`` pixels are left out. ``layer`` and ``size`` (height, width) are the last one and the photograph's own
    unless given.

    Raises ``SegdemoError`` for thresholds outside 0 to 1.
    """
    least, border = checked("score", score_threshold), checked("mask", mask_threshold)
    amorphous = stuff_of(prediction, stuff)
    weights = softmax(prediction.class_logits(layer))[:, :-1]
    pairs = np.argsort(-weights, axis=None, kind="stable")[:MOST]
    queries, categories = np.divmod(pairs, weights.shape[1])
    chances = weights[queries, categories]
    thing = np.array([int(category) not in amorphous for category in categories], bool)
    # A score is at most its class probability.
    wanted = np.flatnonzero(thing & (chances > least))
    layout = grid(prediction, size)
    needed = np.unique(queries[wanted])
    cells = np.asarray(own_parts(prediction, prediction.masks[layer][needed], needed), np.float32)
    found: list[tuple[float, int, int, Mask]] = []
    masks = _masks(cells, layout, border, split_components)
    for place in wanted:
        parts, confidence = masks[int(np.searchsorted(needed, queries[place]))]
        score = float(chances[place]) * confidence
        if score > least:
            pair = (score, int(queries[place]), int(categories[place]))
            found += [(*pair, part) for part in parts if part.area >= max(min_area, 1)]
    found.sort(key=lambda one: -one[0])
    listed = tuple(
        Instance(number, category, prediction.id2label.get(category, f"class {category}"), score, query, mask)
        for number, (score, query, category, mask) in enumerate(found, start=1)
    )
    ids = np.zeros(layout.size, np.int32)
    for instance in reversed(listed):
        instance.mask.paint(ids, instance.id)
    return Instances(ids, _seen(ids, listed), listed)


def mask_confidence(
    prediction: Prediction, queries: npt.NDArray[np.intp], *, mask_threshold: float = MASK_THRESHOLD, size: Size | None
) -> Float32:
    """Mean mask probability inside each query's mask at ``size``: float32 (q,), 0 to 1, and 0 where it is empty."""
    cells = np.asarray(own_parts(prediction, prediction.masks[-1][queries], queries), np.float32)
    return np.array([found for _, found in _masks(cells, grid(prediction, size), mask_threshold, False)], np.float32)


def _masks(cells: Float32, layout: Grid, threshold: float, split: bool) -> list[tuple[list[Mask], float]]:
    """The mask of every query in ``cells`` (q, h, w), whole or in parts, and the mean mask probability inside it."""
    if not len(cells):
        return []
    parts = list(tiles(layout, cells))

    def sample(query: int) -> tuple[list[Mask], float]:
        touched = [part for part in parts if part.high[query] > threshold - ROUNDING]
        found = _sampled(cells[query], touched, threshold) if touched else None
        if found is None:
            return [], 0.0
        pieces = _pieces(found.inside) if split else [(found.inside, 0, 0)]
        return [
            Mask.of(inside, layout.size, top=found.top + top, left=found.left + left) for inside, top, left in pieces
        ], found.confidence

    return in_threads(sample, range(len(cells)))


def _sampled(cells: Float32, parts: list[Tile], threshold: float) -> _Sampled | None:
    """A query's mask from its ``cells`` (h, w), which lies within the tiles ``parts``; none where it is empty."""
    with np.errstate(divide="ignore"):
        border = np.float32(np.log(np.float64(threshold)) - np.log1p(-np.float64(threshold)))
    top, left = (min(part.output[axis].start for part in parts) for axis in (0, 1))
    bottom, right = (max(part.output[axis].stop for part in parts) for axis in (0, 1))
    inside = np.zeros((bottom - top, right - left), bool)
    total, count = 0.0, 0
    for part in parts:
        logits = part.rows.direct @ cells[part.rows.cells, part.columns.cells] @ part.columns.direct.T
        here = logits > border
        rows, columns = part.output
        inside[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = here
        chosen = logits[here]
        total += float(sigmoid(chosen).sum(dtype=np.float64))
        count += len(chosen)
    return _Sampled(inside, top, left, total / count) if count else None


def _pieces(inside: Bool) -> list[tuple[Bool, int, int]]:
    """The 8-connected parts of a mask, the largest first, each cut out, with its first row and column."""
    from scipy import ndimage

    numbered, _ = ndimage.label(inside, np.ones((3, 3), bool))
    pieces = [
        (numbered[box] == number, box[0].start, box[1].start)
        for number, box in enumerate(ndimage.find_objects(numbered), start=1)
    ]
    return sorted(pieces, key=lambda piece: -np.count_nonzero(piece[0]))


def _seen(ids: Int32, listed: tuple[Instance, ...]) -> tuple[Segment, ...]:
    """What the map ``ids`` shows of each instance; nothing of those that it does not show."""
    from scipy import ndimage

    areas = np.bincount(ids.ravel(), minlength=len(listed) + 1)
    boxes = ndimage.find_objects(ids, max_label=len(listed)) if listed else []
    return tuple(
        Segment(
            one.id,
            one.category_id,
            one.label,
            True,
            int(areas[one.id]),
            (box[1].start, box[0].start, box[1].stop - box[1].start, box[0].stop - box[0].start),
            one.score,
            (one.query,),
        )
        for one, box in zip(listed, boxes, strict=True)
        if box is not None
    )
