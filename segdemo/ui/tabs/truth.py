"""How a map compares with the ground truth, where there is one: the examples' own."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo import examples
from segdemo.evaluation import Confusion, boundary_score
from segdemo.results.make import reduced
from segdemo.ui.store import Record


def labelled_scene(record: Record) -> examples.Scene | None:
    """The drawn example that a record shows, where its labels are of the checkpoint's classes, ADE20K's."""
    if record.example is None or record.taxonomy.name != "ADE20K" or len(record.taxonomy) != 150:
        return None
    shown = examples.example(record.example)
    return shown if isinstance(shown, examples.Scene) else None


def ground_truth(record: Record) -> npt.NDArray[np.uint16] | None:
    """Class indices at the picture's size, 255 = none; none unless this is an example seen with ADE20K's classes."""
    shown = labelled_scene(record)
    if shown is None:
        return None
    with Image.open(shown.labels, formats=("PNG",)) as picture:
        return reduced(np.asarray(picture), record.display_size)


def scores(labels: npt.NDArray[np.integer], truth: npt.NDArray[np.integer], classes: int) -> dict[str, float]:
    """Mean IoU over the classes present and mean boundary F-score, each 0 to 1."""
    confusion = Confusion(classes)
    confusion.add(truth, labels)
    return {"miou": float(confusion.miou), "boundary_f": boundary_score(truth, labels) or 0.0}
