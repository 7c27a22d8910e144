"""How far two label maps of one photograph agree, also where they come from networks with different classes.

Classes are matched by name (``data.classes.class_table``), and only where each is the other's match. Both maps are
then written in *joint* classes: the first network's indices, with the second's other classes after them. A pixel where
neither map has a class agrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.data.classes import class_table
from segdemo.errors import SegdemoError
from segdemo.evaluation.confusion import Labels
from segdemo.labels import VOID

Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

NO_CLASS = -1
"""In a map: no class at this pixel."""
SAME, DIFFERENT, UNMATCHED = range(3)
"""In a difference map: both maps have the same class; different ones; different ones of which at least one is unknown
to the other network, so that they could not have agreed."""


@dataclass(frozen=True)
class JointClass:
    """A class of either network."""

    id: int
    """Its joint index."""
    name: str
    first: int | None
    """Its index in the first network, if that has it."""
    second: int | None
    """Its index in the second network, if that has it."""


class JointClasses:
    """The classes of two networks in one table."""

    def __init__(self, first: Mapping[int, str], second: Mapping[int, str]) -> None:
        """``first`` and ``second`` are the networks' labels by index."""
        ours, theirs = _matches(first, second), _matches(second, first)
        pairs = {index: other for index, other in ours.items() if theirs.get(other) == index}
        matched = set(pairs.values())
        after = max(first, default=-1) + 1
        alone = [index for index in sorted(second) if index not in matched]
        self.classes = (
            *(JointClass(index, _name(first[index]), index, pairs.get(index)) for index in sorted(first)),
            *(JointClass(after + place, _name(second[index]), None, index) for place, index in enumerate(alone)),
        )
        """Those of the first network in their order, then the second's others."""
        self.by_id = {entry.id: entry for entry in self.classes}
        self._first = {entry.first: entry.id for entry in self.classes if entry.first is not None}
        self._second = {entry.second: entry.id for entry in self.classes if entry.second is not None}

    def of_first(self, labels: Labels) -> Int16:
        """A map (H, W) of the first network's indices in joint ones; negative values are ``NO_CLASS``."""
        return _translated(labels, self._first)

    def of_second(self, labels: Labels) -> Int16:
        """A map (H, W) of the second network's indices in joint ones; negative values are ``NO_CLASS``."""
        return _translated(labels, self._second)

    def into_second(self, labels: Labels) -> Int16:
        """Labels (H, W) in the first's classes as the second's; ``VOID`` for what it lacks, special values stay."""
        table = {entry.first: entry.second for entry in self.classes if entry.first is not None}
        result = labels.astype(np.int16)
        for value in np.unique(labels).tolist():
            if value >= 0:
                other = table.get(value)
                result[labels == value] = VOID if other is None else other
        return result


@dataclass(frozen=True)
class ClassAgreement:
    """One class in both maps."""

    id: int
    """Joint index."""
    name: str
    first_pixels: int
    second_pixels: int
    both_pixels: int
    """Pixels that have it in both maps."""
    first: float
    """Share of the picture that has it in the first map, 0 to 1."""
    second: float
    """Share of the picture that has it in the second map, 0 to 1."""
    iou: float | None
    """Pixels that have it in both maps over those that have it in either, 0 to 1; none where one network has no such
    class, so that it could not be in both."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far two maps agree."""

    joint: JointClasses = field(repr=False)
    first: Int16 = field(repr=False)
    """(H, W): the first map in joint classes."""
    second: Int16 = field(repr=False)
    """(H, W): the second map in joint classes."""
    difference: UInt8 = field(repr=False)
    """(H, W): ``SAME``, ``DIFFERENT`` or ``UNMATCHED``."""
    classes: tuple[ClassAgreement, ...]
    """Those that are in either map, by the pixels that they have in the two together, the most first."""

    @cached_property
    def counts(self) -> tuple[int, int, int]:
        """Pixels that are the same, different, and unmatched."""
        same, different, unmatched = np.bincount(self.difference.ravel(), minlength=3).tolist()
        return same, different, unmatched

    @property
    def share(self) -> float:
        """Share of the pixels that have the same class in both maps, 0 to 1."""
        return self.counts[SAME] / self.difference.size

    @property
    def unmatched(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Classes that are seen in one map and unknown to the other's network: the first's, and the second's."""
        seen = [(self.joint.by_id[entry.id], entry) for entry in self.classes]
        return (
            tuple(entry.name for entry, found in seen if entry.second is None and found.first_pixels),
            tuple(entry.name for entry, found in seen if entry.first is None and found.second_pixels),
        )

    def where(self, what: str, *which: Any) -> Mask:
        """The pixels behind a number: bool (H, W).

        ``where("same")``, ``("different")`` (with what is unmatched), ``("unmatched")``, ``("class", id)``: in either
        map, ``("first", id)`` and ``("second", id)``: in that one alone. Raises ``SegdemoError`` for others.
        """
        match what, which:
            case "same", ():
                return self.difference == SAME
            case "different", ():
                return self.difference != SAME
            case "unmatched", ():
                return self.difference == UNMATCHED
            case "class", (int(index),) if index in self.joint.by_id:
                return (self.first == index) | (self.second == index)
            case "first", (int(index),) if index in self.joint.by_id:
                return (self.first == index) & (self.second != index)
            case "second", (int(index),) if index in self.joint.by_id:
                return (self.second == index) & (self.first != index)
        raise SegdemoError(f"There are no pixels called {' '.join(map(str, (what, *which)))!r} in this comparison.")


def agreement(first: Labels, second: Labels, joint: JointClasses) -> Agreement:
    """Compare two maps (H, W) of one photograph, each in its own network's indices, negative where there is no class.

    Raises ``ValueError`` for different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"the maps are {first.shape} and {second.shape}: they should be alike")
    one, other = joint.of_first(first), joint.of_second(second)
    size = max(joint.by_id, default=-1) + 2
    # NO_CLASS is the last row and column.
    pairs = (one.astype(np.int64) % size) * size + other.astype(np.int64) % size
    table = np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size)
    in_first, in_second = table.sum(axis=1), table.sum(axis=0)
    present = [entry for entry in joint.classes if in_first[entry.id] or in_second[entry.id]]
    found = [
        _class_agreement(
            entry, int(in_first[entry.id]), int(in_second[entry.id]), int(table[entry.id, entry.id]), one.size
        )
        for entry in present
    ]
    alone = np.zeros(size, bool)
    alone[[entry.id for entry in joint.classes if entry.first is None or entry.second is None]] = True
    differs = one != other
    difference = differs.astype(np.uint8)
    difference[differs & (alone[one] | alone[other])] = UNMATCHED
    found.sort(key=lambda entry: -(entry.first_pixels + entry.second_pixels))
    return Agreement(joint, one, other, difference, tuple(found))


def _class_agreement(entry: JointClass, first: int, second: int, both: int, pixels: int) -> ClassAgreement:
    known = entry.first is not None and entry.second is not None
    iou = both / (first + second - both) if known else None
    return ClassAgreement(entry.id, entry.name, first, second, both, first / pixels, second / pixels, iou)


def _matches(labels: Mapping[int, str], others: Mapping[int, str]) -> dict[int, int]:
    """The index in ``others`` of each class of ``labels`` that has one by name."""
    indices = sorted(labels)
    table = class_table([labels[index] for index in indices], others)
    return {index: other for index, other in zip(indices, table, strict=True) if other != VOID}


def _name(label: str) -> str:
    return label.partition(",")[0].strip()


def _translated(labels: Labels, table: Mapping[int, int]) -> Int16:
    """Values through a table; what is not in it has no class."""
    highest = max(table, default=-1)
    lookup = np.full(highest + 2, NO_CLASS, np.int16)
    for value, other in table.items():
        lookup[value] = other
    known = (labels >= 0) & (labels <= highest)
    return lookup[np.where(known, labels, highest + 1)]
