"""What a refinement changed: which pixels, and what share of every class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError


@dataclass(frozen=True)
class ClassChange:
    """How one label fared: pixels before and after, and of those how many it ``lost`` and ``gained``."""

    before: int
    after: int
    lost: int
    gained: int

    @property
    def lost_percent(self) -> float:
        """Pixels lost, in percent of the label's pixels before; 0 for a label that is new."""
        return 100 * self.lost / self.before if self.before else 0.0

    @property
    def gained_percent(self) -> float:
        """Pixels gained, in percent of the label's pixels after; 0 for a label that vanished."""
        return 100 * self.gained / self.after if self.after else 0.0


@dataclass(frozen=True, eq=False)
class Difference:
    """``mask``: bool (H, W), true where the label changed; ``by_class``: every label of either map, ascending."""

    mask: npt.NDArray[np.bool_]
    by_class: Mapping[int, ClassChange]

    @property
    def changed_pixels(self) -> int:
        """How many pixels changed."""
        return int(np.count_nonzero(self.mask))

    @property
    def changed_percent(self) -> float:
        """Pixels changed, in percent of the photo."""
        return 100 * self.changed_pixels / self.mask.size


def difference(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer]) -> Difference:
    """Compare two label maps (H, W) of one photo; raises SegdemoError when their sizes differ."""
    if before.shape != after.shape:
        raise SegdemoError(
            f"The maps to compare differ in size, {before.shape} and {after.shape}: give two of one photo."
        )
    mask = before != after
    counts = [_counts(labels) for labels in (before, after, before[mask], after[mask])]
    labels = sorted(counts[0].keys() | counts[1].keys())
    by_class = {label: ClassChange(*(count.get(label, 0) for count in counts)) for label in labels}
    return Difference(mask, MappingProxyType(by_class))


def _counts(labels: npt.NDArray[np.integer]) -> dict[int, int]:
    if labels.size == 0:
        return {}
    low = int(labels.min())
    if int(labels.max()) - low < 1 << 20:
        counts = np.bincount((labels if low == 0 else labels - low).ravel())
        return {int(value) + low: int(counts[value]) for value in np.flatnonzero(counts)}
    values, numbers = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), numbers.tolist(), strict=True))
