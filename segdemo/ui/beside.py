"""The second run of a photograph, to compare with the first: kept under the same token, in place of the last one."""

from dataclasses import dataclass

import numpy as np

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.results.make import semantic_map
from segdemo.ui.choices import PRECISIONS, load
from segdemo.ui.runs import SIZES, Runner, input_size, predict
from segdemo.ui.store import GoneError, Record


@dataclass(frozen=True)
class Setup:
    """How a photograph is run."""

    checkpoint: Checkpoint
    size: str
    """One of ``runs.SIZES``."""
    precision: str
    """One of ``PRECISIONS``."""
    task: str = ""
    """What the network is told; empty where it is told nothing."""

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise SegdemoError(f"The input size must be one of {', '.join(SIZES)}.")
        if self.precision not in PRECISIONS:
            raise SegdemoError(f"The precision must be one of {', '.join(PRECISIONS)}.")

    @classmethod
    def of(cls, record: Record) -> "Setup":
        """How a record was made."""
        return cls(record.checkpoint, record.size, record.precision, record.prediction.task)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others."""
        return self.checkpoint.id, self.size, self.precision, self.task


class Beside:
    """The second run for one request; ``ran`` says afterwards whether the network had to be run for it."""

    def __init__(self, runner: Runner, token: object, other: object = None) -> None:
        """``other`` is the token of another result of the photograph that the page still holds, if there is one."""
        self.ran = False
        self._other = other
        self._runner = runner
        self._token = token

    def checkpoint(self, public: str) -> Checkpoint:
        """A checkpoint by its public name; raises ``SegdemoError`` for one that visitors may not choose."""
        return self._runner.checkpoint(public)

    def __call__(self, record: Record, wanted: Setup, job: Job) -> Record:
        """The record's photograph run as ``wanted``: the run that is kept, an example's that is there, or a new one.

        Raises ``GoneError`` where the token stands for nothing any more, and ``SegdemoError`` for what cannot be run.
        """
        store = self._runner.store
        kept = store.get_beside(self._token)
        if kept is not None and Setup.of(kept).key == wanted.key:
            return kept
        found = self._held(record, wanted)
        if found is None and record.example is not None:
            found = store.find(
                lambda other: (
                    other.example == record.example and other.label_files is None and Setup.of(other).key == wanted.key
                )
            )
        if found is None:
            found = self._run(record, wanted, job)
        store.put_beside(self._token, found)
        return found

    def _held(self, record: Record, wanted: Setup) -> Record | None:
        """The page's own other result, where it is still there and what is wanted."""
        if self._other is None:
            return None
        try:
            other = self._runner.store.get(self._other)
        except GoneError:
            return None
        same = Setup.of(other).key == wanted.key and np.array_equal(other.image, record.image)
        return other if same else None

    def _run(self, record: Record, wanted: Setup, job: Job) -> Record:
        self.ran = True
        with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]), job.turn():
            job.report("Loading the checkpoint of the other run")
            predictor = load(wanted.checkpoint, wanted.precision)
            job.report("Running the network", 0.0)
            size = input_size(wanted.size)
            prediction = predict(
                job, predictor, record.image, size, precision=wanted.precision, task=wanted.task or None
            )
            found = Record(
                image=record.image,
                display=record.display,
                display_size=record.display_size,
                prediction=prediction,
                taxonomy=predictor.taxonomy,
                checkpoint=wanted.checkpoint,
                name=record.name,
                example=record.example,
                size=wanted.size,
                precision=wanted.precision,
                seconds=prediction.seconds,
            )
            job.report("Drawing the segmentation")
            semantic_map(job, found.source)
        return found
