"""Pictures with crowds, unlabelled pixels and mistaken predictions, the same on every machine."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CLASSES = 5
"""Things 0, 1, 2; stuff 3, 4."""


@dataclass(frozen=True)
class Panoptic:
    """Ids (24, 32) of the truth and of a prediction, 0 = none, and the class of each id."""

    truth: npt.NDArray[np.int64]
    truth_classes: dict[int, int]
    crowds: set[int]
    found: npt.NDArray[np.int64]
    found_classes: dict[int, int]


def panoptic_pictures(count: int = 12) -> list[Panoptic]:
    """Rectangles over stuff, one crowd a class at most; found again shifted, with some classes taken for others."""
    return [_picture(np.random.default_rng(seed)) for seed in range(count)]


def _picture(rng: np.random.Generator) -> Panoptic:
    truth = np.where(np.arange(24)[:, None] < 12, 1, 2) * np.ones((1, 32), np.int64)
    classes, crowds, crowded = {1: 3, 2: 4}, set(), set()
    for number in range(3, 11):
        top, left, height, width = (int(value) for value in rng.integers((0, 0, 4, 4), (20, 28, 12, 14)))
        truth[top : top + height, left : left + width] = number
        classes[number] = int(rng.integers(3))
        if rng.random() < 0.4 and classes[number] not in crowded:
            crowds.add(number)
            crowded.add(classes[number])
    truth[rng.random(truth.shape) < 0.05] = 0
    top, left = (int(value) for value in rng.integers((0, 0), (16, 24)))
    truth[top : top + 8, left : left + 8] = 0
    found = np.roll(truth, tuple(int(value) for value in rng.integers(-2, 3, 2)), axis=(0, 1))
    found_classes = {number: int(rng.integers(5)) if rng.random() < 0.2 else own for number, own in classes.items()}
    for number in (11, 12):
        top, left = (int(value) for value in rng.integers((0, 0), (18, 26)))
        found[top : top + 6, left : left + 6] = number
        found_classes[number] = int(rng.integers(5))
    present = {int(number) for number in np.unique(truth)} - {0}
    there = {int(number) for number in np.unique(found)} - {0}
    return Panoptic(
        truth,
        {number: own for number, own in classes.items() if number in present},
        crowds & present,
        found,
        {number: own for number, own in found_classes.items() if number in there},
    )
