"""The labels of a photo: an example's own, or those that a visitor gave, in the checkpoint's terms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.data.photo_labels import FORMS, PhotoLabels, read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.evaluation.truth import TrueSegments
from segdemo.images import decode_png_ids, decode_png_index
from segdemo.labels import IGNORE
from segdemo.results.job import Job
from segdemo.settings import settings
from segdemo.ui.arguments import Arguments, choice
from segdemo.ui.store import LabelFiles, Record
from segdemo.ui.tabs.truth import labelled_scene

NO_LABELS = "There are no labels for this photo yet: open its label file, or a drawn example, which brings its own."


@dataclass(frozen=True, eq=False)
class RecordLabels:
    """What a record's photo is compared with."""

    labels: npt.NDArray[np.integer]
    """(H, W): class indices and the special values of ``segdemo.labels``."""
    said: str
    """What they are, in a line."""
    form: str
    """One of ``FORMS``; ``"example"`` for an example's own."""
    unmapped: tuple[str, ...]
    """Classes in the file that the checkpoint does not have."""
    covered: frozenset[int] | None
    """The classes that the labels can name; none for all."""
    objects: TrueSegments | None
    """The objects told apart, where they are."""

    def describe(self) -> dict[str, Any]:
        """What the page says of them."""
        return {
            "said": self.said,
            "form": self.form,
            "unmapped": list(self.unmapped),
            "objects": self.objects is not None,
        }


def add_labels(
    record: Record, files: list[bytes], arguments: Arguments, job: Job, keep: Callable[[Record], None]
) -> dict[str, Any]:
    """Read one or two label files; where that works ``keep`` gets the record that has them.

    Raises ``SegdemoError`` with a sentence for what cannot be read or could be several things: the record stays as it
    was then.
    """
    if len(files) not in (1, 2) or not all(files):
        raise SegdemoError("Give one file with labels, or two: the labels, and the file that says what they mean.")
    form = choice(arguments, "form", ("auto", *FORMS), default="auto")
    table = files[1] if len(files) == 2 else None
    given = LabelFiles(files[0], table, form=form, photo_name=str(arguments.get("photo", ""))[:200])
    job.report("Reading the labels")
    labelled = record.with_labels(given)
    with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]):
        found = record_labels(labelled, job)
    assert found is not None
    keep(labelled)
    return found.describe()


def split_files(content: bytes, sizes: Any) -> list[bytes]:
    """The files that a page sent as one, by their sizes; raises ``SegdemoError``."""
    known = isinstance(sizes, list) and all(isinstance(size, int) and not isinstance(size, bool) for size in sizes)
    if not known or not 1 <= len(sizes) <= 2 or min(sizes) < 0 or sum(sizes) != len(content):
        raise SegdemoError("The request could not be read: reload the page.")
    if len(content) > settings().max_file_bytes:
        raise SegdemoError(f"These files are too large: {settings().max_file_bytes / 1e6:.0f} MB are taken at most.")
    return [content[: sizes[0]], *([content[sizes[0] :]] if len(sizes) == 2 else [])]


def record_labels(record: Record, job: Job) -> RecordLabels | None:
    """A record's labels, read once; none where there are none."""
    if record.label_files is None and labelled_scene(record) is None:
        return None
    with job.turn():
        return record.derive("labels", lambda: _read(record), nbytes=_nbytes)


def _read(record: Record) -> RecordLabels:
    files, scene = record.label_files, labelled_scene(record)
    size = record.prediction.image_size
    if files is not None:
        return labels_of_file(
            read_photo_labels(
                files.content,
                size,
                record.prediction.id2label,
                form=files.form,
                table=files.table,
                name=files.photo_name,
            )
        )
    assert scene is not None
    labels = decode_png_index(scene.labels.read_bytes(), size=size)
    regions = decode_png_ids(scene.instances.read_bytes(), size=size)
    numbers, first = np.unique(regions, return_index=True)
    classes = {
        int(number): int(labels.flat[place]) for number, place in zip(numbers, first, strict=True) if number != 0
    }
    regions[labels == IGNORE] = 0
    said = "The drawn example's own: every pixel and every object is known."
    objects = TrueSegments(regions, {number: index for number, index in classes.items() if index != IGNORE})
    return RecordLabels(labels, said, "example", (), None, objects)


def labels_of_file(found: PhotoLabels) -> RecordLabels:
    """What was read of a label file, as what a photo is compared with."""
    told = found.objects
    objects = None if told is None else TrueSegments.numbered(told.segments, told.classes, told.crowd)
    return RecordLabels(found.labels, found.said, found.form, found.unmapped, found.covered, objects)


def _nbytes(found: RecordLabels) -> int:
    return found.labels.nbytes + (found.objects.ids.nbytes if found.objects is not None else 0)
