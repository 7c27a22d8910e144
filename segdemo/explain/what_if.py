"""What a part of the decoder does: the map with it and without it, and whether its attention foretold the difference.

Attention says where a query read, not what came of it (Jain and Wallace, "Attention is not Explanation", NAACL 2019).
``Predictor.what_if`` takes the part away; what is here compares the two maps.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction
from segdemo.progress import Cancel, CancelledError, Progress
from segdemo.segmentation.sampling import Float32

Labels = npt.NDArray[np.integer]
Off = Iterable[tuple[int, int | None, int | None]]
"""What is switched off, each as (layer, query, head): ``None`` stands for all of them."""


@dataclass(frozen=True)
class ClassChange:
    """One class before and after."""

    category_id: int
    before: float
    """Share of the picture that it had, 0 to 1."""
    after: float
    """Share of the picture that it has, 0 to 1."""
    lost: float
    """Share of the picture that was of this class and no longer is, 0 to 1."""
    gained: float
    """Share of the picture that was not of this class and now is, 0 to 1."""


@dataclass(frozen=True)
class Region:
    """One class's region in the map before, what attention lay on it, and what became of it."""

    category_id: int
    area: float
    """Share of the picture, 0 to 1."""
    attention: float
    """Share of the attention that lay there, 0 to 1."""
    changed: float
    """Share of the region whose class changed, 0 to 1."""
    effect: float
    """Share of all changed pixels that lie there, 0 to 1; 0 where nothing changed."""


@dataclass(frozen=True)
class Foretold:
    """Attention beside effect, region by region."""

    regions: tuple[Region, ...]
    """The most attended first."""
    by_attention: float
    """How much the shares of attention and of effect have in common: the sum of the smaller of the two, 0 to 1."""
    by_area: float
    """The same of area and effect: what would be had without looking at attention at all."""


@dataclass(frozen=True)
class QueryEffect:
    """What switching off one query changes."""

    query: int
    changed: float
    """Share of the picture whose class changes, 0 to 1."""


def changed_share(before: Labels, after: Labels) -> float:
    """The share of pixels whose class differs between two maps (H, W), 0 to 1."""
    return float(np.count_nonzero(before != after) / before.size)


def class_changes(before: Labels, after: Labels) -> tuple[ClassChange, ...]:
    """Every class that lost or gained a pixel between two maps (H, W), the one that lost and gained most first."""
    differs = before != after
    changes = []
    for category in np.union1d(np.unique(before[differs]), np.unique(after[differs])).tolist():
        was, is_now = before == category, after == category
        changes.append(
            ClassChange(
                int(category),
                float(was.mean()),
                float(is_now.mean()),
                float((was & differs).mean()),
                float((is_now & differs).mean()),
            )
        )
    return tuple(sorted(changes, key=lambda change: -(change.lost + change.gained)))


def attention_of(prediction: Prediction, off: Off) -> Mapping[int, Float32]:
    """Where parts of the decoder read, by layer: float32 (h, w) each, summing to the number of parts in that layer.

    Of a part without a query it is the mean over the queries that do not say "no object" after the last layer, or over
    all where all do; without a head it is the mean over heads. Raises as ``Prediction.attention`` does.
    """
    logits = prediction.class_logits()
    speaking = np.flatnonzero(logits.argmax(axis=1) < logits.shape[1] - 1)
    queries = speaking.tolist() or list(range(len(logits)))
    found: dict[int, Float32] = {}
    for layer, query, head in off:
        which = queries if query is None else [query]
        maps = np.stack([prediction.attention(layer, one, head=head) for one in which])
        mean = np.asarray(maps.mean(axis=0), np.float32)
        found[layer] = found[layer] + mean if layer in found else mean
    return found


def attention_on(prediction: Prediction, attention: Mapping[int, Float32], labels: Labels) -> dict[int, float]:
    """The share of attention that lies on each class of a map (H, W) over the photograph; they sum to 1.

    Each cell's attention is spread evenly over the pixels that it covers; what lies on padding is left out.
    """
    totals = np.zeros(int(labels.max()) + 2)
    for cells in attention.values():
        rows, columns = (
            np.minimum(((np.arange(pixels) + 0.5) / pixels * content / of * count).astype(np.intp), count - 1)
            for pixels, content, of, count in zip(
                labels.shape, prediction.content_size, prediction.input_size, cells.shape, strict=True
            )
        )
        under = rows[:, None] * cells.shape[1] + columns
        pixels = np.maximum(np.bincount(under.ravel(), minlength=cells.size), 1)
        each = (cells.ravel() / pixels)[under]
        totals += np.bincount(labels.ravel() + 1, weights=each.ravel(), minlength=len(totals))
    whole = totals.sum()
    return {int(category): float(totals[category + 1] / whole) if whole > 0 else 0.0 for category in np.unique(labels)}


def foretold(before: Labels, after: Labels, attention: Mapping[int, float]) -> Foretold:
    """Whether ``attention``, its shares by the classes of ``before``, foretold where the map would change.

    Attention and effect are two distributions over the regions of ``before`` (H, W), so what they have in common can be
    said in one number, and beside it what area alone has in common with the effect.
    """
    differs = before != after
    count = np.count_nonzero(differs)
    regions = []
    for category in np.unique(before).tolist():
        inside = before == category
        hit = np.count_nonzero(inside & differs)
        regions.append(
            Region(
                int(category),
                float(inside.mean()),
                attention.get(category, 0.0),
                float(hit / np.count_nonzero(inside)),
                float(hit / count) if count else 0.0,
            )
        )
    return Foretold(
        tuple(sorted(regions, key=lambda region: -region.attention)),
        sum(min(region.attention, region.effect) for region in regions),
        sum(min(region.area, region.effect) for region in regions),
    )


def switched_off(
    prediction: Prediction,
    *,
    queries: Iterable[int] = (),
    heads: Iterable[tuple[int, int]] = (),
    layers: Iterable[int] = (),
) -> list[tuple[int, int | None, int | None]]:
    """The parts whose attention stands for what is switched off: a query's in every layer."""
    every = range(1, prediction.num_layers)
    return [
        *((layer, query, None) for query in queries for layer in every),
        *((layer, None, head) for layer, head in heads),
        *((layer, None, None) for layer in layers),
    ]


def rank_queries(
    queries: Iterable[int],
    without: Callable[[int], Labels],
    before: Labels,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[QueryEffect, ...]:
    """The queries by what switching off each alone changes, the largest effect first, alike ones by number.

    ``without`` returns the map (H, W) without a query, of the size of ``before``. ``progress`` is called with the done
    share 0..1 after each; raises ``CancelledError`` once ``cancel()`` is true.
    """
    every = list(queries)
    found = []
    for done, query in enumerate(every, start=1):
        if cancel is not None and cancel():
            raise CancelledError
        found.append(QueryEffect(query, changed_share(before, without(query))))
        if progress is not None:
            progress(done / len(every))
    return tuple(sorted(found, key=lambda effect: (-effect.changed, effect.query)))
