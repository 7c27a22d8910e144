"""Runs a visitor's batch: photo by photo in turn with everybody else, its results the command line's to the byte."""

import base64
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.images import Rgb, encode_jpeg, load_image, thumbnail
from segdemo.model.predictor import Predictor
from segdemo.prediction import Prediction
from segdemo.results.batch import Plan, in_workers, one_core, photos_of
from segdemo.results.folder import Entry
from segdemo.results.inputs import Photo
from segdemo.results.job import Job
from segdemo.results.pace import Pace
from segdemo.results.tables import write_tables
from segdemo.results.work import Work, do_photo, run_of
from segdemo.ui.batches.store import Batch
from segdemo.ui.choices import load
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.server.uploads import ledger

WORKERS = 2
"""Photos of a batch in work at once: one in its turn, one that is read or written."""
THUMBNAIL = (96, 128)
"""Height and width in the gallery, in pixels."""
ARCHIVE = "segdemo-batch.zip"


@dataclass(frozen=True)
class Wish:
    """What a visitor asked for."""

    checkpoint: Checkpoint
    work: Work


def run_batch(batch: Batch, wish: Wish, job: Job) -> dict[str, Any]:
    """Do what is missing of a batch, and return how many are done and how many failed.

    Raises ``SegdemoError`` where it has no photos or runs already, ``CancelledError`` where nobody wants it any more:
    what is done by then stays, and is not done again.
    """
    with _running(batch), _told(batch, wish, job) as (plan, predictor):
        fingerprint, stop = wish.work.fingerprint(), threading.Event()
        pace = Pace(len(plan.todo))

        def cancelled() -> bool:
            return stop.is_set() or job.is_over()

        def one(photo: Photo) -> Entry:
            own = Job(job.host, visitor=job.visitor, client=job.client, seconds=wish.work.seconds, cancelled=cancelled)
            return do_photo(
                photo, wish.work, fingerprint, predictor, batch.results, own, opened=_opened, predict=_predict
            )

        @contextmanager
        def prepared() -> Iterator[None]:
            if not predictor.side_by_side:
                yield
                return
            with one_core():
                yield

        for entry in in_workers(one, plan.todo, WORKERS, stop, prepared=prepared):
            batch.entries[entry.name] = entry
            ledger().adopt(batch.client, [batch.results.folder / name for name in entry.files])
            batch.touch()
            pace.note()
            total, done = len(plan.photos), len(plan.done) + pace.done
            job.report(f"{done} of {total} photos, {pace.text}", done / total)
        job.check()
    failed = sum(not entry.done for entry in batch.entries.values())
    return {"done": len(batch.entries) - failed, "failed": failed}


def entries_since(batch: Batch, seen: int) -> dict[str, Any]:
    """What became of photos after the first ``seen``, with a small picture of each overlay."""
    entries = list(batch.entries.values())[seen : seen + 50]
    return {
        "seen": seen + len(entries),
        "total": len(batch.files),
        "entries": [
            {
                "name": entry.name,
                "file": entry.file,
                "reason": entry.reason,
                "seconds": entry.seconds,
                "classes": [[label, share] for label, share in entry.classes[:3]],
                "thumbnail": _thumbnail(batch, entry),
            }
            for entry in entries
        ],
    }


def photo_of(batch: Batch, name: str) -> dict[str, Any]:
    """The photo whose results have a name: its file's name, and base64 of its content."""
    entry = batch.entries.get(name)
    if entry is None:
        raise SegdemoError("There is no such photo in this batch: choose one of the gallery.")
    content = Path(entry.source).read_bytes()
    return {"name": entry.file, "data": base64.b64encode(content).decode("ascii")}


def pack(batch: Batch, job: Job) -> dict[str, Any]:
    """All results in one ZIP; where it can be fetched, under a name that nobody guesses."""
    if not batch.entries:
        raise SegdemoError("Nothing is done yet: start the batch first.")
    results, target = batch.results, batch.folder / ARCHIVE
    names = [name for entry in batch.entries.values() for name in entry.files]
    names += [name for name in ("results.csv", "failures.csv", "manifest.json") if (results.folder / name).is_file()]
    part = target.with_suffix(".part")
    with job.working(), zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for number, name in enumerate(names):
            archive.write(results.folder / name, name)
            job.report("Packing the ZIP", number / len(names))
    part.replace(target)
    ledger().adopt(batch.client, [target])
    return {"name": ARCHIVE, "path": str(target), "bytes": target.stat().st_size}


@contextmanager
def _running(batch: Batch) -> Iterator[None]:
    with batch.lock:
        if batch.running:
            raise SegdemoError("This batch is running already.")
        if not batch.files:
            raise SegdemoError("There are no photos yet: choose some, or a ZIP of them.")
        batch.running = True
    try:
        yield
    finally:
        batch.running = False


@contextmanager
def _told(batch: Batch, wish: Wish, job: Job) -> Iterator[tuple[Plan, Predictor]]:
    """What is to be done, and with what; however it ends, the tables say what there is."""
    started = datetime.now(UTC)
    job.report("Loading the checkpoint")
    with job.turn():
        predictor = load(wish.checkpoint)
    results = batch.results
    results.prepare()
    plan = photos_of(sorted(batch.files, key=lambda file: file[0]), results, wish.work.fingerprint())
    batch.entries = {entry.name: entry for entry in plan.done}
    try:
        yield plan, predictor
    finally:
        names = [photo.name for photo in plan.photos]
        write_tables(results, names, wish.work.describe(), run_of(predictor), started)


@contextmanager
def _opened(content: bytes, job: Job) -> Iterator[Rgb]:
    """A photo decoded within the server's limits, while its client has room for the results."""
    ledger().check(job.client, 0)
    with opened_photo(content, job) as image:
        yield image


def _predict(job: Job, predictor: Predictor, image: Rgb, work: Work) -> Prediction:
    return predict(job, predictor, image, work.size, capture=False, task=predictor.told(work.options.task))


def _thumbnail(batch: Batch, entry: Entry) -> str:
    overlay = next((name for name in entry.files if name.endswith(".overlay.jpg")), None)
    try:
        picture = load_image((batch.results.folder / overlay).read_bytes()) if overlay else None
    except (OSError, SegdemoError):
        picture = None
    if picture is None:
        return ""
    small = encode_jpeg(thumbnail(picture, THUMBNAIL), quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(small).decode("ascii")
