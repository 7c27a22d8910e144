"""What is done to each photo of a batch: the same in this process, in another, and on another machine."""

import hashlib
import json
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segdemo import checkpoints
from segdemo.checkpoints import public_id
from segdemo.errors import SegdemoError, first_line
from segdemo.images import Rgb, image_size, load_image
from segdemo.images.reading import read_bytes
from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.results.folder import Entry, Results
from segdemo.results.inputs import Photo
from segdemo.results.job import Job
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.outputs import Outputs, make_outputs
from segdemo.weight_files import require_weight_files

if TYPE_CHECKING:
    from segdemo.model.predictor import Predictor

logger = logging.getLogger(__name__)

NO_MEMORY = "There is not enough memory for this picture: make it smaller and try again."
UNEXPECTED = "Something unexpected went wrong with this picture"

Opened = Callable[[bytes, Job], AbstractContextManager[Rgb]]
"""From a photo's bytes to its pixels, with its place in memory while it is open."""


@dataclass(frozen=True)
class Work:
    """A batch's checkpoint and options, as they were asked for."""

    checkpoint: str | None = None
    engine: str = "auto"
    precision: str = "auto"
    size: str | int = "checkpoint"
    options: OutputOptions = field(default_factory=OutputOptions)
    model: str | None = None
    """Folder of an export that runs instead of a checkpoint."""
    seconds: float = float("inf")
    """How long one photo may be worked on."""
    evolution: bool = False
    """Whether the decoder's layers are written as an animation, too."""
    masks: bool = False
    """Whether the regions' masks are written as COCO's run lengths, too."""

    def load(self) -> "Predictor":
        """The predictor; the same object every time. Raises ``SegdemoError``."""
        from segdemo.model.predictor import load_predictor

        if self.model is not None:
            return _exported(self.model, None if self.engine == "auto" else self.engine)
        return load_predictor(self.checkpoint, engine=self.engine, precision=self.precision)

    def describe(self) -> dict[str, Any]:
        """What results depend on, as plain values: no two results of one description differ but by versions."""
        if self.model is not None:
            folder = Path(self.model)
            files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix != ".md")
            made_by = {"id": folder.name, "title": folder.name, "sha256": _digest(files)}
        else:
            given = self.checkpoint
            found = checkpoints.find(given) if given is not None else checkpoints.default_checkpoint()
            made_by = {"id": public_id(found.id), "title": found.title, "sha256": _digest(_files_of(found.id))}
        return {
            "checkpoint": made_by,
            "engine": self.engine,
            "precision": self.precision,
            "size": self.size,
            "options": self.options.parameters(),
            **({"evolution": True} if self.evolution else {}),
            **({"masks": True} if self.masks else {}),
        }

    def fingerprint(self) -> str:
        """A short text that differs where ``describe`` does."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:32]


def run_of(predictor: "Predictor") -> dict[str, Any]:
    """How a predictor runs its network: what ``auto`` came to."""
    engine = predictor.engine
    return {"engine": engine.name, "precision": engine.precision, "device": engine.device}


@contextmanager
def opened_here(content: bytes, job: Job) -> Iterator[Rgb]:
    """A photograph decoded in this process, once there is memory for it."""
    height, width = image_size(content)
    with job.in_memory(pixels=height * width):
        yield load_image(content)


def predicted(job: Job, predictor: "Predictor", image: Rgb, work: Work) -> Prediction:
    """The forward pass of a photo, beside others where the network can, within the job's limits."""
    try:
        told = predictor.told(work.options.task)
        kept = work.evolution
        return predictor(image, size=work.size, task=told, capture=kept, cancel=job.is_over, alone=False)
    except CancelledError:
        job.check()
        raise


def do_photo(
    photo: Photo,
    work: Work,
    fingerprint: str,
    predictor: "Predictor",
    results: Results,
    job: Job,
    *,
    opened: Opened = opened_here,
    predict: Callable[[Job, "Predictor", Rgb, Work], Prediction] = predicted,
    refused: Callable[[str], bool] = lambda name: False,
) -> Entry:
    """Do one photo and write its results, or what kept it from them; returns what is known about it then.

    ``refused`` names of files are not written. Raises ``CancelledError`` where nobody wants it any more, and
    ``OSError`` where not even the failure can be written down.
    """
    entry = Entry(photo.name, photo.file, "failed", source=str(photo.path), work=fingerprint)
    files: dict[str, bytes] = {}
    try:
        if photo.problem:
            raise SegdemoError(photo.problem)
        entry = _identified(entry, photo)
        content = read_bytes(photo.path)
        with opened(content, job) as image:
            outputs = _outputs(job, predictor, image, work, predict)
        files = outputs.files(photo.name)
        if (own := next(filter(refused, files), None)) is not None:
            files = {}
            raise SegdemoError(f"{results.folder / own} is one of the photographs: choose another folder for results.")
        entry = replace(
            entry,
            status="done",
            found=len(outputs.segments["segments_info"] if outputs.instances is None else outputs.instances),
            classes=_shares(outputs.segments),
            files=tuple(files),
        )
        entry = replace(entry, seconds=round(job.worked, 3))
        results.keep(entry, files)
    except CancelledError:
        raise
    except Exception as error:
        entry = replace(
            entry, status="failed", reason=_sentence(error), files=(), classes=(), found=0, seconds=round(job.worked, 3)
        )
        results.keep(entry, {})
    return entry


def _identified(entry: Entry, photo: Photo) -> Entry:
    """An entry with what tells its photo's file from others, where that can be read."""
    try:
        with photo.path.open("rb") as stream:
            properties = os.fstat(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return entry
    return replace(entry, sha256=digest, nbytes=properties.st_size, changed=properties.st_mtime_ns)


def _outputs(
    job: Job,
    predictor: "Predictor",
    image: Rgb,
    work: Work,
    predict: Callable[[Job, "Predictor", Rgb, Work], Prediction],
) -> Outputs:
    with job.turn():
        prediction = predict(job, predictor, image, work)
    return make_outputs(job, Source(image, prediction), work.options, evolution=work.evolution, masks=work.masks)


def _shares(segments: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Labels with their shares of the photo, the largest first."""
    areas: dict[str, int] = defaultdict(int)
    for entry in segments["segments_info"]:
        areas[entry["label"]] += entry["area"]
    pixels = segments["image"]["height"] * segments["image"]["width"]
    ranked = sorted(areas.items(), key=lambda item: (-item[1], item[0]))
    return tuple((label, round(area / pixels, 4)) for label, area in ranked)


def _sentence(error: Exception) -> str:
    if isinstance(error, SegdemoError):
        return str(error)
    if isinstance(error, MemoryError):
        return NO_MEMORY
    if isinstance(error, OSError):
        return f"{error.filename or 'A result'} cannot be written: {error.strerror or error}."
    logger.error("a photo failed", exc_info=error)
    return f"{UNEXPECTED} ({type(error).__name__}: {first_line(error)[:200]})."


@cache
def _exported(folder: str, form: str | None) -> "Predictor":
    from segdemo.model.exported import load_exported

    return load_exported(Path(folder), form)


_digests: dict[tuple[tuple[str, int, int], ...], str] = {}


def _files_of(checkpoint: str) -> list[Path]:
    """A checkpoint's configuration and weights."""
    folder = checkpoints.resolve(checkpoint)
    files = [folder / name for name in checkpoints.CONFIG_FILES if (folder / name).is_file()]
    return files + list(require_weight_files(folder).files)


def _digest(files: Sequence[Path]) -> str:
    """Of the content of files; read once where they do not change."""
    stamps = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    if stamps not in _digests:
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        _digests[stamps] = digest.hexdigest()
    return _digests[stamps]
