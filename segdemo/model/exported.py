"""Runs an exported folder: a graph in a portable format at fixed input sizes, with the checkpoint's settings beside it.

A photograph is stretched to the size that is nearest to what the checkpoint's processor would make of it, as that
processor stretches to multiples of 32. A graph refuses every other size itself.
"""

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.catalogue import Kind
from segdemo.checkpoint_files import described
from segdemo.checkpoints import Checkpoint
from segdemo.errors import NotOfferedError, SegdemoError, first_line
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Start, Without, kept
from segdemo.model.preprocessing import Preprocessing, SizeOption
from segdemo.model.runtimes import Graph, load_graph
from segdemo.prediction import PARTS, Size
from segdemo.progress import CancelledError

if TYPE_CHECKING:
    from segdemo.model.families import Inputs
    from segdemo.model.predictor import Predictor

CARD = "parity.json"

LACKS = {
    part: "An exported graph hands out its last layer's masks and classes alone: run the checkpoint itself to look "
    "inside."
    for part in PARTS
    if part != "queries"
}


@dataclass(frozen=True)
class Exported:
    """What an exported folder holds."""

    folder: Path
    format: str
    precision: str
    files: tuple[tuple[Size | None, Path], ...]
    """Each graph with its input size, (height, width); none for one that runs at any, in multiples of 32."""
    task: str | None = None
    """What the network was told for good; none where it is told nothing."""

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The input sizes that there are graphs for; empty where one runs at any."""
        return tuple(size for size, _ in self.files if size is not None)

    def file(self, size: Size) -> Path:
        """The graph for an input size; raises ``SegdemoError`` where there is none."""
        for known, file in self.files:
            if known in (size, None):
                return file
        raise SegdemoError(
            f"The export in {self.folder} has no graph for an input of {size[0]} x {size[1]}, only for "
            f"{_listed(self.sizes)}: export it with --shape {size[0]}x{size[1]}."
        )


def read_exported(folder: Path, format: str | None = None) -> Exported:
    """Return what ``python -m segdemo export`` wrote into a folder.

    Raises ``SegdemoError`` for a folder that holds no export, or none in the ``format`` asked for.
    """
    card = folder / CARD
    if not card.is_file():
        raise SegdemoError(f"{folder} holds no {CARD}: give a folder that `python -m segdemo export` wrote.")
    try:
        values = json.loads(card.read_text(encoding="utf-8"))
        found = Exported(
            folder,
            str(values["format"]),
            str(values["precision"]),
            tuple((_size(entry), folder / Path(entry["name"]).name) for entry in values["files"]),
            values.get("task"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SegdemoError(f"{card} is damaged ({first_line(error)}): export the checkpoint again.") from error
    if format is not None and found.format != format:
        raise SegdemoError(
            f"{folder} holds an export in the format {found.format}, not {format}: give --engine {found.format}, "
            "or export the checkpoint again."
        )
    for _, file in found.files:
        if not file.is_file():
            raise SegdemoError(f"{file} is missing: export the checkpoint again.")
    return found


def _size(entry: dict[str, Any]) -> Size | None:
    return None if entry["height"] is None else (int(entry["height"]), int(entry["width"]))


class FittingSizes:
    """A checkpoint's preprocessing, to the fixed sizes that there are graphs for; see ``Inputs``.

    A family that pads every photograph to one square goes on doing so. Raises ``SegdemoError`` where a photograph
    becomes more than one input, and for other sizes than the square.
    """

    def __init__(self, preprocessing: "Inputs", sizes: Sequence[Size]) -> None:
        self._sizes, self._padding = tuple(sizes), None
        if isinstance(preprocessing, Preprocessing):
            self._preprocessing = preprocessing
            return
        from segdemo.model.families.eomt import Grid

        assert isinstance(preprocessing, Grid)
        if preprocessing.split:
            raise SegdemoError(
                "This checkpoint is not exported: it sees a photograph in overlapping squares, more of them the longer "
                "it is, and a graph takes one input of one size. Run the checkpoint itself, with --engine torch; an "
                "EoMT that sees every photograph padded to one square is exported."
            )
        side = preprocessing.side
        if set(sizes) != {(side, side)}:
            raise SegdemoError(f"{preprocessing.fixed} Leave --shape out, or give --shape {side}x{side}.")
        self._preprocessing, self._padding = preprocessing.resizing, preprocessing

    @property
    def padded(self) -> bool:
        """Whether photographs are padded to the graph's size, and not stretched."""
        return self._padding is not None

    def content(self, image_size: Size, size: Size) -> Size:
        """The part of the input of ``size`` that a photograph has: all of it unless it is padded."""
        return size if self._padding is None else self._padding.sizes(image_size, "checkpoint")[1]

    def sizes(self, image_size: Size, size: SizeOption) -> tuple[Size, Size]:
        """The input size nearest to the processor's own, twice, since the photograph fills it unless it is padded."""
        if size != "checkpoint":
            raise SegdemoError(
                f"An exported graph has its own input sizes ({_listed(self._sizes)}): leave the size {size!r} out."
            )
        if self._padding is not None:
            return self._padding.sizes(image_size, size)
        wanted = self._preprocessing.sizes(image_size, size)[0]
        nearest = min(self._sizes, key=lambda there: _distance(there, wanted))
        return nearest, nearest

    def __call__(self, image: npt.NDArray[np.uint8], size: SizeOption) -> tuple[npt.NDArray[np.float32], Size, Size]:
        """The input float32 (3, H, W) of an RGB uint8 (h, w, 3), with input and content size."""
        target, content = self.sizes((image.shape[0], image.shape[1]), size)
        return self.stretched(image, target), target, content

    def stretched(self, image: npt.NDArray[np.uint8], size: Size) -> npt.NDArray[np.float32]:
        """The input float32 (3, H, W) of ``size`` that an RGB uint8 (h, w, 3) fills, unless it is padded."""
        if self._padding is not None:
            return self._padding(image, "checkpoint")[0]
        if size != image.shape[:2]:
            chosen = Image.Resampling(self._preprocessing.resample)
            image = np.asarray(Image.fromarray(image).resize(size[::-1], resample=chosen))
        return self._preprocessing.normalised(image)


def _distance(size: Size, wanted: Size) -> float:
    return sum(abs(math.log(there / asked)) for there, asked in zip(size, wanted, strict=True))


def _listed(sizes: Sequence[Size]) -> str:
    return ", ".join(f"{height} x {width}" for height, width in sizes)


class ExportedEngine:
    """The graphs of an exported folder; see ``Engine``. Each is loaded when first needed, and runs alone."""

    device = "cpu"
    lacks = LACKS

    def __init__(self, exported: Exported) -> None:
        self.name, self.precision, self.task = exported.format, exported.precision, exported.task
        self._exported = exported
        self._graphs: dict[Size, Graph] = {}
        self._lock = threading.Lock()

    def __call__(self, pixel_values: npt.NDArray[np.float32], request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``; a batch runs picture after picture, and the last layer is all there is."""
        size = (pixel_values.shape[2], pixel_values.shape[3])
        found = []
        with self._lock:
            if size not in self._graphs:
                self._graphs[size] = load_graph(self._exported.format, self._exported.file(size))
            for index in range(len(pixel_values)):
                if request.cancel is not None and request.cancel():
                    raise CancelledError
                found.append(self._graphs[size](np.ascontiguousarray(pixel_values[index : index + 1])))
                if request.progress is not None:
                    request.progress((index + 1) / len(pixel_values))
        answer = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        if len(answer) == 1:
            return RawOutputs((), (), logits=answer[0])
        classes, masks = answer
        return kept([masks], [classes], height=size[0])

    def decode(self, start: Start, *, height: int, without: Without, request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``: a graph runs as a whole."""
        raise NotOfferedError(LACKS["decoder_features"])


def exported_checkpoint(exported: Exported) -> Checkpoint:
    """What is known about the checkpoint that was exported, from its ``config.json``."""
    config = described(exported.folder)
    kind: Kind = next((kind for kind in get_args(Kind) if kind == config.segdemo_kind), "semantic")
    return Checkpoint(
        id=str(exported.folder),
        title=config.segdemo_title or exported.folder.name,
        kind=kind,
        description=f"An export in the format {exported.format}, {exported.precision}.",
        known_classes=tuple(config.segdemo_known_classes) if config.segdemo_known_classes is not None else None,
        stuff=frozenset(config.segdemo_stuff) if config.segdemo_stuff is not None else None,
        least_score=config.segdemo_least_score or 0.0,
        note=config.segdemo_note or "",
        terms=config.segdemo_terms or "",
        path=exported.folder,
    )


def load_exported(folder: Path, format: str | None = None) -> "Predictor":
    """Return the predictor of a folder that ``python -m segdemo export`` wrote, a new object.

    ``format`` is what it must hold, one of ``GraphFormat``; none for whatever it holds. The checkpoint's weights are
    not needed. Raises ``SegdemoError`` where the folder is no export, or its runtime is not installed.
    """
    from segdemo.model.predictor import Predictor

    found = read_exported(folder, format)
    return Predictor(exported_checkpoint(found), folder, ExportedEngine(found), sizes=found.sizes or None)
