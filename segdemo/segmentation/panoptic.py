"""Panoptic and instance segments from a prediction: every id unique and listed once, areas that add up.

Procedure (``panoptic_inference`` in ``maskformer_model.py``, Cheng et al., CVPR 2022): queries whose best class is an
object and scores above a threshold compete for every pixel with score times mask probability; a query that keeps too
little of its own mask is dropped; a pixel belongs to the winner only where the winner's mask is above its threshold;
queries of one stuff class become one segment. Mask logits are brought to the input, cropped, resized to the photograph
and only then squashed.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.prediction import Prediction, Size
from segdemo.segmentation.claims import claim, painted
from segdemo.segmentation.components import split_map
from segdemo.segmentation.sampling import Float32, evenly, grid, own_parts, sigmoid, softmax
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.threads import in_threads

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_ROWS = 128


@dataclass(frozen=True)
class Segment:
    """One segment of the map."""

    id: int
    """Its value in ``Segments.ids``, from 1 and consecutive."""
    category_id: int
    """Class index of the checkpoint."""
    label: str
    isthing: bool
    area: int
    """Pixels."""
    bbox: tuple[int, int, int, int]
    """x, y, width, height in pixels."""
    score: float
    """0 to 1; where queries were fused, the mean of theirs weighted by the pixels that each brought."""
    queries: tuple[int, ...]
    """The queries that it consists of."""


@dataclass(frozen=True, eq=False)
class Segments:
    """A map of segment ids and what they are; empty where no query was sure enough."""

    ids: Int32
    """(H, W): segment ids, 0 = none."""
    segments_info: tuple[Segment, ...]


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The queries that compete."""

    queries: npt.NDArray[np.intp]
    categories: npt.NDArray[np.intp]
    scores: Float32


def panoptic(
    prediction: Prediction,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    mask_threshold: float = MASK_THRESHOLD,
    overlap_threshold: float = OVERLAP_THRESHOLD,
    fuse_stuff: bool = True,
    stuff: Collection[int] | None = None,
    split_components: bool = False,
    min_area: int = 0,
    layer: int = -1,
    size: Size | None = None,
) -> Segments:
    """Things and stuff as segments that do not overlap.

    A query takes part when its best class is not "no object" and has a probability above ``score_threshold``; its mask
    is where its mask probability is at least ``mask_threshold``; it is kept when it won pixels worth at least
    ``overlap_threshold`` of its mask's area. All three lie in 0 to 1. ``stuff`` are the stuff classes' indices, by
    default those of the checkpoint's taxonomy; ``fuse_stuff`` makes one segment of each. ``split_components`` makes one
    segment of every 8-connected part of a thing segment. Segments under ``min_area`` pixels are left out. ``layer`` and
    ``size`` (height, width) are the last one and the photograph's own unless given.

    Raises ``SegdemoError`` for thresholds outside 0 to 1.
    """
    probabilities = softmax(prediction.class_logits(layer))
    best = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1)
    sure = scores > _checked("score", score_threshold)
    kept = np.flatnonzero((best < probabilities.shape[1] - 1) & sure)
    return _segments(
        prediction,
        _Candidates(kept, best[kept], scores[kept]),
        mask_threshold=_checked("mask", mask_threshold),
        overlap_threshold=_checked("overlap", overlap_threshold),
        stuff=_stuff(prediction, stuff),
        fuse_stuff=fuse_stuff,
        split_components=split_components,
        min_area=min_area,
        layer=layer,
        size=size,
    )


def instances(
    prediction: Prediction,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    mask_threshold: float = MASK_THRESHOLD,
    overlap_threshold: float = OVERLAP_THRESHOLD,
    stuff: Collection[int] | None = None,
    split_components: bool = False,
    min_area: int = 0,
    layer: int = -1,
    size: Size | None = None,
) -> Segments:
    """The things alone, as segments that do not overlap; options as for ``panoptic``.

    A query takes part when its best class is a thing. Its score is its class probability times the mean mask
    probability inside its mask (``instance_inference`` in ``maskformer_model.py``; here taken over the mask's own cells
    above 0.5), so it is lower than the one in ``panoptic``. Stuff does not compete for pixels.
    """
    probabilities = softmax(prediction.class_logits(layer))
    best = probabilities.argmax(axis=1)
    amorphous = _stuff(prediction, stuff)
    things = [q for q, c in enumerate(best) if c < probabilities.shape[1] - 1 and int(c) not in amorphous]
    candidates = np.array(things, np.intp)
    scores = probabilities.max(axis=1)[candidates] * mask_confidence(prediction, candidates, layer=layer)
    sure = scores > _checked("score", score_threshold)
    return _segments(
        prediction,
        _Candidates(candidates[sure], best[candidates[sure]], scores[sure]),
        mask_threshold=_checked("mask", mask_threshold),
        overlap_threshold=_checked("overlap", overlap_threshold),
        stuff=amorphous,
        fuse_stuff=False,
        split_components=split_components,
        min_area=min_area,
        layer=layer,
        size=size,
    )


def mask_confidence(prediction: Prediction, queries: npt.NDArray[np.intp], *, layer: int = -1) -> Float32:
    """Mean mask probability over the cells of each query's mask above 0.5, padding left out: float32 (q,), 0 to 1."""
    logits = evenly(prediction, prediction.masks[layer][queries].astype(np.float32))
    rows, columns = (
        math.ceil(cells * content / of)
        for cells, content, of in zip(logits.shape[1:], prediction.content_size, prediction.input_size, strict=True)
    )
    logits = logits[:, :rows, :columns]
    inside = logits > 0
    sums = np.where(inside, sigmoid(logits), 0).sum(axis=(1, 2))
    return np.asarray(sums / np.maximum(inside.sum(axis=(1, 2)), 1), np.float32)


def _checked(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise SegdemoError(f"The {name} threshold is {value:g}: choose one from 0 to 1.")
    return value


def _stuff(prediction: Prediction, stuff: Collection[int] | None) -> frozenset[int]:
    return prediction.taxonomy.stuff if stuff is None else frozenset(stuff)


def _segments(
    prediction: Prediction,
    candidates: _Candidates,
    *,
    mask_threshold: float,
    overlap_threshold: float,
    stuff: frozenset[int],
    fuse_stuff: bool,
    split_components: bool,
    min_area: int,
    layer: int,
    size: Size | None,
) -> Segments:
    layout = grid(prediction, size)
    if not len(candidates.queries):
        return Segments(np.zeros(layout.size, np.int32), ())
    masks = prediction.masks[layer][candidates.queries].astype(np.float32)
    masks = np.asarray(own_parts(prediction, masks, candidates.queries), np.float32)
    claims = claim(masks, candidates.scores, layout, mask_threshold)
    members: list[list[int]] = []
    lookup = np.zeros(len(candidates.queries), np.int32)
    fused: dict[int, int] = {}
    for k, category in enumerate(candidates.categories.tolist()):
        if not claims.owned[k] or claims.won[k] < overlap_threshold * claims.mask[k]:
            continue
        if fuse_stuff and category in stuff and category in fused:
            members[fused[category] - 1].append(k)
        else:
            members.append([k])
            if category in stuff:
                fused[category] = len(members)
        lookup[k] = fused[category] if fuse_stuff and category in stuff else len(members)
    ids = painted(claims, lookup)
    areas = [int(claims.owned[group].sum()) for group in members]
    boxes = [
        (*claims.boxes[group, :2].min(axis=0).tolist(), *claims.boxes[group, 2:].max(axis=0).tolist())
        for group in members
    ]
    if split_components:
        from scipy import ndimage

        things = [i + 1 for i, group in enumerate(members) if int(candidates.categories[group[0]]) not in stuff]
        ids, parents = split_map(ids, things, number=len(members))
        members = [members[parent - 1] for parent in parents]
        areas = np.bincount(ids.ravel(), minlength=len(members) + 1)[1:].tolist()
        found = ndimage.find_objects(ids, max_label=len(members))
        boxes = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in found]
    return _listed(prediction, ids, members, areas, boxes, candidates, claims.owned, stuff, min_area)


def _listed(
    prediction: Prediction,
    ids: Int32,
    members: list[list[int]],
    areas: list[int],
    boxes: list[tuple[int, int, int, int]],
    candidates: _Candidates,
    owned: Int64,
    stuff: frozenset[int],
    min_area: int,
) -> Segments:
    """The segments of ``ids``, small ones left out and the others numbered from 1."""
    keep = [i for i, area in enumerate(areas, start=1) if area >= max(min_area, 1)]
    if len(keep) < len(members):
        lookup = np.zeros(len(members) + 1, np.int32)
        lookup[keep] = np.arange(1, len(keep) + 1)
        ids = _translated(lookup, ids)
    found = []
    for number, old in enumerate(keep, start=1):
        top, left, bottom, right = boxes[old - 1]
        group = members[old - 1]
        category = int(candidates.categories[group[0]])
        found.append(
            Segment(
                number,
                category,
                prediction.id2label.get(category, f"class {category}"),
                category not in stuff,
                areas[old - 1],
                (left, top, right - left, bottom - top),
                float(np.average(candidates.scores[group], weights=owned[group])),
                tuple(int(candidates.queries[k]) for k in group),
            )
        )
    return Segments(ids, tuple(found))


def _translated(lookup: Int32, places: npt.NDArray[np.signedinteger]) -> Int32:
    """``lookup[places]``, some rows at a time."""
    result = np.empty(places.shape, np.int32)

    def translate(rows: slice) -> None:
        lookup.take(places[rows], out=result[rows], mode="clip")

    in_threads(translate, [slice(start, start + _ROWS) for start in range(0, len(places), _ROWS)])
    return result
