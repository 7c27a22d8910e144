"""How a map compares with the ground truth, where there is one: the drawn examples' own."""

import numpy as np
import numpy.typing as npt

from segdemo import examples
from segdemo.data.classes import class_table
from segdemo.data.photo_labels import unmapped_words
from segdemo.evaluation import Confusion, boundary_score
from segdemo.evaluation.truth import TrueSegments
from segdemo.images import decode_png_ids, decode_png_index
from segdemo.labels import IGNORE, VOID
from segdemo.results.known import KnownLabels
from segdemo.results.make import reduced
from segdemo.taxonomy import ade20k
from segdemo.ui.store import Record

_SAID = "The drawn example's own: every pixel and every object is known"


def labelled_scene(record: Record) -> examples.Scene | None:
    """The drawn example that a record shows, where the checkpoint has any of ADE20K's classes, which it is drawn in."""
    if record.example is None:
        return None
    shown = examples.example(record.example)
    return shown if isinstance(shown, examples.Scene) and (_table(record) != VOID).any() else None


def scene_labels(record: Record, scene: examples.Scene) -> KnownLabels:
    """The labels of a drawn example in the checkpoint's classes; what it has no name for has no label."""
    drawn = decode_png_index(scene.labels)
    table = _table(record)
    labels = table[drawn]
    regions = decode_png_ids(scene.instances)
    regions[labels == VOID] = 0
    numbers, first = np.unique(regions, return_index=True)
    classes = {int(number): int(labels.flat[at]) for number, at in zip(numbers, first, strict=True) if number}
    pixels = np.bincount(drawn[labels == VOID], minlength=len(table))
    names = [entry.name for entry in ade20k().classes]
    lost = tuple(names[index] for index in np.argsort(-pixels[: len(names)], kind="stable") if pixels[index])
    covered = frozenset(int(index) for index in table if index != VOID)
    said = f"{_SAID}{unmapped_words(lost)}."
    return KnownLabels(labels, said, "example", lost, covered, TrueSegments(regions, classes))


def ground_truth(record: Record) -> npt.NDArray[np.uint16] | None:
    """Class indices at the picture's size, 255 = none; none where there are no labels of a drawn example."""
    shown = labelled_scene(record)
    if shown is None:
        return None
    labels = _table(record)[decode_png_index(shown.labels)]
    return reduced(np.where(labels == VOID, IGNORE, labels), record.display_size)


def scores(labels: npt.NDArray[np.integer], truth: npt.NDArray[np.integer], classes: int) -> dict[str, float]:
    """Mean IoU over the classes present and mean boundary F-score, each 0 to 1."""
    confusion = Confusion(classes)
    confusion.add(truth, labels)
    return {"miou": float(confusion.miou), "boundary_f": boundary_score(truth, labels) or 0.0}


def _table(record: Record) -> npt.NDArray[np.int16]:
    """The checkpoint's class of each value that a drawn example's labels have, ``VOID`` where it has none."""
    table = np.full(IGNORE + 1, VOID, np.int16)
    names = [entry.name for entry in ade20k().classes]
    table[: len(names)] = class_table(names, record.prediction.id2label)
    return table
