"""What is known of a photo, as results are judged by it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.data.photo_labels import PhotoLabels
from segdemo.evaluation.truth import TrueSegments


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """What a photo is compared with."""

    labels: npt.NDArray[np.integer]
    """(H, W): class indices and the special values of ``segdemo.labels``."""
    said: str
    """What they are, in a line."""
    form: str
    """One of ``data.photo_labels.FORMS``; ``"example"`` for an example's own."""
    unmapped: tuple[str, ...]
    """Classes in the file that the checkpoint does not have."""
    covered: frozenset[int] | None
    """The classes that the labels can name; none for all."""
    objects: TrueSegments | None
    """The objects told apart, where they are."""

    def describe(self) -> dict[str, Any]:
        """What is said of them."""
        return {
            "said": self.said,
            "form": self.form,
            "unmapped": list(self.unmapped),
            "objects": self.objects is not None,
        }


def labels_of_file(found: PhotoLabels) -> KnownLabels:
    """What was read of a label file, as what a photo is compared with."""
    told = found.objects
    objects = None if told is None else TrueSegments.numbered(told.segments, told.classes, told.crowd)
    return KnownLabels(found.labels, found.said, found.form, found.unmapped, found.covered, objects)
