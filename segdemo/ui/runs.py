"""From what a visitor sent to a record in the store: read the photo, wait for one's turn, run the network."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo import examples
from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.images import display_image, encode_jpeg, load_image
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.model.preprocessing import SizeOption, parse_size
from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.results.job import Job
from segdemo.results.make import semantic_map
from segdemo.ui.choices import by_public_id, load
from segdemo.ui.preview import SHORT_SIDE as PREVIEW_SIDE
from segdemo.ui.preview import Previews
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.store import Record, Store
from segdemo.ui.tabs.result import result
from segdemo.ui.zerogpu import ON_ZEROGPU, gpu

SIZES = ("checkpoint", "paper", "320", "480", "960")
"""Input sizes that the page offers."""


@dataclass(frozen=True)
class Request:
    """What a visitor asked for."""

    checkpoint: str
    size: str
    content: bytes | None = None
    """The photograph's file, or none for an example."""
    name: str = "photo"
    example: str | None = None
    task: str = ""
    """What the network is to be told, for one that is told it; its own default where empty."""
    previous: str | None = None
    """Token of the photograph that this one replaces once it is done."""
    beside: bool = False
    """Whether ``previous`` stays: the same photograph, whose network was told another task."""


def input_size(text: str) -> SizeOption:
    """One of ``SIZES`` as the predictor takes it; raises ``SegdemoError`` for others."""
    if text not in SIZES:
        raise SegdemoError(f"The input size must be one of {', '.join(SIZES)}.")
    return parse_size(text)


class Runner:
    """Runs photographs through the network and keeps the results."""

    def __init__(self, store: Store, checkpoints: Callable[[], list[Checkpoint]]) -> None:
        self.store = store
        self.checkpoints = checkpoints
        self.previews = Previews()

    def run(self, request: Request, job: Job) -> dict[str, Any]:
        """Do the whole run and return ``{"token": ...}``; sentences for the visitor are ``SegdemoError``."""
        start = time.perf_counter()
        checkpoint = self.checkpoint(request.checkpoint)
        size = input_size(request.size)
        task = told_task(checkpoint, request.task)
        if request.example is not None:
            known = self.store.find(
                lambda record: (
                    record.example == request.example
                    and record.size == request.size
                    and record.checkpoint.id == checkpoint.id
                    and record.precision == "auto"
                    and record.prediction.task == (task or "")
                    and record.label_files is None
                )
            )
            if known is not None:
                return {**self._keep(known, request), "kept": True}
        job.report("Reading the photo")
        with self._photo(request, job) as (image, name):
            display = display_image(image)
            jpeg = encode_jpeg(display, quality=88)
            read = time.perf_counter()
            with job.turn():
                turn = time.perf_counter()
                job.report("Loading the checkpoint")
                predictor = load(checkpoint)
                loaded = time.perf_counter()
                job.report("Running the network", 0.0)
                pixels = display.shape[0], display.shape[1]

                def record_of(prediction: Prediction) -> Record:
                    return Record(
                        image=image,
                        display=jpeg,
                        display_size=pixels,
                        prediction=prediction,
                        taxonomy=predictor.taxonomy,
                        checkpoint=checkpoint,
                        name=name,
                        example=request.example,
                        size=request.size,
                    )

                if self.previews.wanted(predictor, (image.shape[0], image.shape[1]), size, job):
                    job.report("Making a preview")
                    quick = predict(job, predictor, image, PREVIEW_SIDE, task=task)
                    self.previews.note(predictor, quick)
                    if self.previews.wanted(predictor, (image.shape[0], image.shape[1]), size, job):
                        job.show({**result(record_of(quick), {"token": "preview"}, job), "preview": True})
                    job.report("Running the network", 0.0)
                ahead = time.perf_counter()
                prediction = predict(job, predictor, image, size, task=task)
                self.previews.note(predictor, prediction)
                after = time.perf_counter()
                record = record_of(prediction)
                job.report("Drawing the segmentation")
                semantic_map(job, record.source)
        done = time.perf_counter()
        record.seconds = {
            "reading": read - start,
            **({"waiting": turn - read} if turn - read > 0.05 else {}),
            **({"loading": loaded - turn} if loaded - turn > 0.05 else {}),
            **({"preview": ahead - loaded} if ahead - loaded > 0.05 else {}),
            **prediction.seconds,
            "segmentation": done - after,
            "total": done - start,
        }
        return self._keep(record, request)

    def _keep(self, record: Record, request: Request) -> dict[str, Any]:
        token = self.store.put(labelled_as(record, self.store.find_token(request.previous)))
        if not request.beside:
            self.store.delete(request.previous)
        return {"token": token}

    def back(self, current: object, to: object) -> dict[str, Any]:
        """Show another result of the photograph that was kept, with the labels that a visitor gave since.

        Raises ``GoneError`` where either is no longer there.
        """
        now, record = self.store.get(current), self.store.get(to)
        self.store.exchange(to, record, labelled_as(record, now))
        return {"token": to}

    def warm_up(self, job: Job, checkpoint: str, example: str | None) -> None:
        """Load a checkpoint, and run an example so that the first visitor finds it done.

        Loading takes nobody's turn: whoever sends a photo meanwhile comes before the example.
        """
        load(self.checkpoint(checkpoint))
        if example is not None:
            self.run(Request(checkpoint=checkpoint, size="checkpoint", example=example), job)

    def checkpoint(self, wanted: str) -> Checkpoint:
        """A checkpoint that visitors may choose: only ids from the list, never a path from outside."""
        entry = by_public_id(self.checkpoints()).get(wanted)
        if entry is None:
            raise SegdemoError("This checkpoint is not on this machine: choose one from the list.")
        return entry

    @contextmanager
    def _photo(self, request: Request, job: Job) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
        """The photo and its name; while it is open the job has its place in memory."""
        if request.example is not None:
            example = examples.example(request.example)
            image = load_image(example.image)
            with job.in_memory(pixels=image.shape[0] * image.shape[1]):
                yield image, example.id
        elif not request.content:
            raise SegdemoError("The file is empty: choose a photo.")
        else:
            with opened_photo(request.content, job) as image:
                yield image, request.name


def told_task(checkpoint: Checkpoint, wanted: str) -> str | None:
    """What a checkpoint's network is told: a task that it knows, or none; raises ``SegdemoError`` for others."""
    if not checkpoint.tasks:
        return None
    if wanted and wanted not in checkpoint.tasks:
        raise SegdemoError(f"The task must be one of {', '.join(checkpoint.tasks)}.")
    return wanted or checkpoint.default_task


def labelled_as(record: Record, other: Record | None) -> Record:
    """A record with the labels that a visitor gave for the same photograph under another, where there are any."""
    if other is None or other.label_files in (None, record.label_files):
        return record
    assert other.label_files is not None
    return record.with_labels(other.label_files) if np.array_equal(other.image, record.image) else record


def predict(
    job: Job,
    predictor: Predictor,
    image: npt.NDArray[np.uint8],
    size: SizeOption,
    *,
    capture: bool = True,
    precision: str = "auto",
    task: str | None = None,
) -> Prediction:
    """The forward pass of a photo, in the job's turn and within its limits; ``precision`` is the predictor's."""
    with job.turn():
        if ON_ZEROGPU:
            return _forward_elsewhere(predictor.checkpoint.id, image, size, capture, precision, task)
        try:
            return predictor(
                image,
                size=size,
                task=task,
                capture=capture,
                progress=lambda share: job.report("Running the network", share),
                cancel=job.is_over,
            )
        except CancelledError:
            job.check()
            raise


def predict_without(
    job: Job,
    checkpoint: Checkpoint,
    prediction: Prediction,
    *,
    queries: Sequence[int] = (),
    heads: Sequence[tuple[int, int]] = (),
    layers: Sequence[int] = (),
) -> Prediction:
    """The decoder run again without some of its parts (``Predictor.what_if``), in the job's turn."""
    off: dict[str, Any] = {"without_queries": queries, "without_heads": heads, "without_layers": layers}
    with job.turn():
        if ON_ZEROGPU:
            return _decode_elsewhere(checkpoint.id, prediction, off)
        try:
            return load(checkpoint).what_if(prediction, **off, cancel=job.is_over)
        except CancelledError:
            job.check()
            raise


@gpu
def _forward_elsewhere(
    checkpoint: str,
    image: npt.NDArray[np.uint8],
    size: SizeOption,
    capture: bool,
    precision: str,
    task: str | None,
) -> Prediction:
    """The forward pass as a shared GPU's process can run it: with arguments and a result that pickle."""
    return load_predictor(checkpoint, precision=precision)(image, size=size, task=task, capture=capture)


@gpu
def _decode_elsewhere(checkpoint: str, prediction: Prediction, off: dict[str, Any]) -> Prediction:
    """The decoder as a shared GPU's process can run it."""
    return load_predictor(checkpoint).what_if(prediction, **off)
