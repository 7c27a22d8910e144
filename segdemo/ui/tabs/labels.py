"""The labels of a photo: an example's own, or those that a visitor gave, in the checkpoint's terms."""

from collections.abc import Callable
from typing import Any

from segdemo import examples
from segdemo.data.photo_labels import FORMS, read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.results.known import KnownLabels, labels_of_file
from segdemo.settings import settings
from segdemo.ui.arguments import Arguments, choice
from segdemo.ui.store import LabelFiles, Record
from segdemo.ui.tabs.truth import labelled_scene, scene_labels

NO_LABELS = "There are no labels for this photo yet: open its label file, or a drawn example, which brings its own."
NOT_ITS_CLASSES = (
    "The labels of this drawn example name none of the checkpoint's classes: open a label file that does, or choose "
    "another checkpoint."
)


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


def record_labels(record: Record, job: Job) -> KnownLabels | None:
    """A record's labels, read once; none where there are none."""
    if record.label_files is None and labelled_scene(record) is None:
        return None
    with job.turn():
        return record.derive("labels", lambda: _read(record), nbytes=_nbytes)


def why_no_labels(record: Record) -> str:
    """What to do where ``record_labels`` has none."""
    drawn = record.example is not None and examples.example(record.example).drawn
    return NOT_ITS_CLASSES if drawn else NO_LABELS


def _read(record: Record) -> KnownLabels:
    files, scene = record.label_files, labelled_scene(record)
    if files is None:
        assert scene is not None
        return scene_labels(record, scene)
    return labels_of_file(
        read_photo_labels(
            files.content,
            record.prediction.image_size,
            record.prediction.id2label,
            form=files.form,
            table=files.table,
            name=files.photo_name,
        )
    )


def _nbytes(found: KnownLabels) -> int:
    return found.labels.nbytes + (found.objects.ids.nbytes if found.objects is not None else 0)
