"""The cached singleton that turns a photograph into a Prediction."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segdemo import checkpoints
from segdemo.checkpoint_files import read_config
from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.model.capture import RawOutputs, Request, Without
from segdemo.model.parts import attention_layers, decoder_features, decoder_start, own
from segdemo.model.preprocessing import SizeOption
from segdemo.prediction import Prediction, Size, Windows
from segdemo.progress import Cancel, Progress
from segdemo.taxonomy import Taxonomy, taxonomy_for

if TYPE_CHECKING:
    from segdemo.model.engines import Engine

BATCH_PIXELS = 640 * 864
"""Input pixels that one forward pass of ``predict_batch`` takes at most, which bounds its memory.

On two cores small inputs gain a third from sharing a pass, up to about this many; larger ones lose a little."""

NEVER = -1e4
"""A logit that leaves a class no probability at all, also in half precision."""

_predictors: dict[tuple[Path, str, str, str], "Predictor"] = {}
_lock = threading.Lock()


def load_predictor(
    checkpoint: str | Path | None = None, *, engine: str = "auto", precision: str = "auto", device: str = "auto"
) -> "Predictor":
    """Return the predictor of a checkpoint, the same object for the same arguments.

    ``checkpoint`` is a hub id whose weights are on disk, a folder, or none for ``checkpoints.default_checkpoint()``.
    ``engine`` is ``"auto"`` or one of ``segdemo.model.engines.ENGINES``, ``precision`` one of its
    ``PRECISIONS``, ``device`` ``"auto"`` or a PyTorch device. Nothing is downloaded. Raises ``SegdemoError`` where the
    checkpoint is not on disk, or an argument is not known or cannot be had here.
    """
    # Not before it is needed: PyTorch takes a second to import, and the page can be served meanwhile.
    from segdemo.model.engines import make_engine
    from segdemo.model.families import family_of

    found = checkpoints.find(checkpoint) if checkpoint is not None else checkpoints.default_checkpoint()
    folder = checkpoints.resolve(found.id)
    key = (folder.resolve(), engine, precision, device)
    with _lock:
        if key not in _predictors:
            family_of(folder).preprocessing(folder)  # what is wrong with it is said before weights are loaded
            made = make_engine(folder, engine=engine, precision=precision, device=device)
            _predictors[key] = Predictor(found, folder, made)
        return _predictors[key]


class Predictor:
    """A checkpoint on an engine.

    Safe to call from several threads; forward passes run one after the other unless they are asked not to be alone.
    """

    def __init__(
        self, checkpoint: Checkpoint, folder: Path, engine: "Engine", *, sizes: Sequence[Size] | None = None
    ) -> None:
        """``sizes``: the only input sizes, (height, width), that the engine of an exported folder has."""
        self.checkpoint = checkpoint
        self.engine = engine
        from segdemo.model.families import family_of

        self.family = family_of(folder)
        self.preprocessing = self.family.preprocessing(folder)
        self.lacks = {**getattr(engine, "lacks", {}), **self.family.lacks}
        if sizes is not None:
            from segdemo.model.exported import FittingSizes

            self.preprocessing = FittingSizes(self.preprocessing, sizes)
        self._folder = folder

    @cached_property
    def id2label(self) -> dict[int, str]:
        """Class index to the checkpoint's own label."""
        return checkpoints.labels(self._folder)

    @property
    def side_by_side(self) -> bool:
        """Whether forward passes can run beside each other on the processor's cores, each on one of them."""
        return getattr(self.engine, "side_by_side", False)

    @cached_property
    def windows(self) -> Mapping[int, Windows]:
        """By scale, the windows that the backbone's blocks attend within; empty where there are none."""
        return self.family.windows(read_config(self._folder))

    @property
    def taxonomy(self) -> Taxonomy:
        """Names, colours, things and stuff of the checkpoint's classes."""
        return taxonomy_for(self.id2label, stuff=self.checkpoint.stuff)

    @property
    def only_task(self) -> str | None:
        """The task that an exported network was told for good; none where it can be told any, or is told none."""
        return getattr(self.engine, "task", None)

    @property
    def task(self) -> str | None:
        """The task that the network is told where nobody says: the checkpoint's kind; none where it is told none."""
        if self.only_task is not None:
            return self.only_task
        kind, tasks = self.checkpoint.kind, self.family.tasks
        return kind if kind in tasks else next(iter(tasks), None)

    def told(self, task: str) -> str | None:
        """What the network is to be told so that ``task`` is read out of its answer; none where it is told none."""
        return task if self.family.tasks else None

    def __call__(
        self,
        image: npt.NDArray[np.uint8],
        *,
        size: SizeOption = "checkpoint",
        task: str | None = None,
        capture: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        alone: bool = True,
    ) -> Prediction:
        """Run one photograph, RGB uint8 (H, W, 3), forward.

        ``size`` is ``"checkpoint"`` (as the checkpoint's image processor says, stretched to multiples of 32),
        ``"paper"`` (short side 640, long side at most 2560, aspect kept, padded at the right and bottom to multiples
        of 32) or a short side in pixels, treated like ``"paper"``. ``task`` is for families that are told it: one of
        ``family.tasks``, by default ``task``. With ``capture=False`` only the last layer is kept
        and no attention. ``progress`` is called with the done share 0..1; the run raises
        ``CancelledError`` once ``cancel()`` is true. Without ``alone`` it may run beside others that are not either,
        where the network can (``side_by_side``). Raises ``SegdemoError`` for an unknown size or
        task.
        """
        return self._run([image], size, Request(capture, task, progress, cancel, alone))[0]

    def predict_batch(
        self,
        images: Sequence[npt.NDArray[np.uint8]],
        *,
        size: SizeOption = "checkpoint",
        task: str | None = None,
        capture: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> list[Prediction]:
        """Run several photographs, those of equal input size in one forward pass; in the order given.

        Images of different input sizes never share a pass, since the network does not see what is padding.
        """
        groups: dict[tuple[Size, Size], list[int]] = {}
        for index, image in enumerate(images):
            _check(image)
            groups.setdefault(self.preprocessing.sizes((image.shape[0], image.shape[1]), size), []).append(index)
        results: dict[int, Prediction] = {}
        for (input_size, _), members in groups.items():
            step = max(1, BATCH_PIXELS // (input_size[0] * input_size[1]))
            for start in range(0, len(members), step):
                part = members[start : start + step]
                share = None if progress is None else _part(progress, len(results), len(part), len(images))
                predictions = self._run([images[index] for index in part], size, Request(capture, task, share, cancel))
                results.update(zip(part, predictions, strict=True))
        return [results[index] for index in range(len(images))]

    def what_if(
        self,
        prediction: Prediction,
        *,
        without_queries: Iterable[int] = (),
        without_heads: Iterable[tuple[int, int]] = (),
        without_layers: Iterable[int] = (),
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Prediction:
        """Run the decoder again, from the features that a prediction of this predictor kept, without some parts.

        ``without_queries``: the others' self-attention does not see them in any layer, and they have no vote: all
        their probability is on "no object". They go on looking themselves. ``without_heads``: (layer, head), layers
        from 1 and heads from 0, whose cross-attention is zero before the output projection. ``without_layers``: layers
        from 1 whose cross-attention adds nothing; residual, self-attention and feed-forward stay. The initial
        prediction stays as it is. With nothing switched off the result equals the prediction. Attention is kept of
        what is switched off, too: where it would have read.

        Raises ``SegdemoError`` for what does not exist, for no query left and for another checkpoint's prediction,
        ``NotOfferedError`` where the decoder's features were not kept, ``CancelledError`` once ``cancel()`` is true.
        """
        prediction.require("decoder_features")
        if prediction.checkpoint != self.checkpoint.id:
            raise SegdemoError(
                f"This prediction is of {prediction.checkpoint or 'no checkpoint'}, not of {self.checkpoint.id}: "
                "ask the predictor that made it."
            )
        without = _without(prediction, without_queries, without_heads, without_layers)
        start = time.perf_counter()
        raw = self.engine.decode(
            decoder_start(prediction),
            height=prediction.input_size[0],
            without=without,
            request=Request(True, prediction.task or None, progress, cancel),
        )
        self._require_numbers(raw)
        for logits in raw.classes[1:]:
            logits[:, sorted(without.queries), :-1] = NEVER
            logits[:, sorted(without.queries), -1] = 0
        return replace(
            prediction,
            masks=tuple(own(layer, 0) for layer in raw.masks),
            classes=tuple(own(layer, 0) for layer in raw.classes),
            attentions=attention_layers(raw, 0),
            seconds={"decoder": time.perf_counter() - start},
        )

    def _run(self, images: Sequence[npt.NDArray[np.uint8]], size: SizeOption, request: Request) -> list[Prediction]:
        self.check_task(request.task)
        request = replace(request, task=request.task or self.task)
        start = time.perf_counter()
        for image in images:
            _check(image)
        prepared = [self.preprocessing(image, size) for image in images]
        pixels = np.stack([item[0] for item in prepared])
        between = time.perf_counter()
        raw = self.engine(pixels, request)
        self._require_numbers(raw)
        seconds = {
            "preprocess": (between - start) / len(images),
            "forward": (time.perf_counter() - between) / len(images),
        }
        return [
            replace(
                self._prediction(raw, index, (image.shape[0], image.shape[1]), input_size, content_size, seconds),
                task=request.task or "",
            )
            for index, (image, (_, input_size, content_size)) in enumerate(zip(images, prepared, strict=True))
        ]

    def _require_numbers(self, raw: RawOutputs) -> None:
        if not all(np.isfinite(part).all() for part in raw.answer):
            raise SegdemoError(
                f"The answer of {self.checkpoint.title} holds values that are not numbers: its weights are damaged or "
                "of a run that diverged; use another checkpoint."
            )

    def check_task(self, task: str | None) -> None:
        """Raise ``SegdemoError`` for a task that the network is not told, or does not know; none is always right."""
        if task in self.family.tasks and self.only_task not in (None, task):
            raise SegdemoError(
                f"This export was told the task {self.only_task} for good: ask for that, or export the checkpoint for "
                f"this one: `python -m segdemo export --format {self.engine.name} --task {task} --out DIR`."
            )
        if task is None or task in self.family.tasks:
            return
        if not self.family.tasks:
            raise SegdemoError(f"A {self.family.name} checkpoint is not told a task: leave {task!r} out.")
        raise SegdemoError(f"The task {task!r} is not known: choose one of {', '.join(self.family.tasks)}.")

    def _prediction(
        self, raw: RawOutputs, index: int, image_size: Size, input_size: Size, content: Size, seconds: dict[str, float]
    ) -> Prediction:
        return Prediction(
            image_size=image_size,
            input_size=input_size,
            content_size=content,
            id2label=self.id2label,
            masks=tuple(own(layer, index) for layer in raw.masks),
            classes=tuple(own(layer, index) for layer in raw.classes),
            logits=None if raw.logits is None else np.asarray(own(raw.logits, index), np.float32),
            crops=raw.crops,
            fixed_input=getattr(self.preprocessing, "fixed", ""),
            attentions=attention_layers(raw, index),
            stages={scale: own(maps, index) for scale, maps in raw.stages.items()},
            decoder_features=decoder_features(raw, index),
            windows=self.windows if raw.stages else {},
            lacks=self.lacks,
            stuff=self.checkpoint.stuff,
            least_score=self.checkpoint.least_score,
            checkpoint=self.checkpoint.id,
            engine=self.engine.name,
            precision=self.engine.precision,
            device=self.engine.device,
            seconds=seconds,
        )


def _without(
    prediction: Prediction, queries: Iterable[int], heads: Iterable[tuple[int, int]], layers: Iterable[int]
) -> Without:
    without = Without(frozenset(queries), frozenset((layer, head) for layer, head in heads), frozenset(layers))
    last = prediction.num_layers - 1
    if not all(0 <= query < prediction.num_queries for query in without.queries):
        raise SegdemoError(f"The queries to go without must be of 0..{prediction.num_queries - 1}.")
    if len(without.queries) == prediction.num_queries:
        raise SegdemoError("Without any query there is no map: leave one on.")
    if not all(1 <= layer <= last for layer in (*without.layers, *(layer for layer, _ in without.heads))):
        raise SegdemoError(f"The layers to go without must be of 1..{last}: the initial prediction attends to nothing.")
    if not all(0 <= head < prediction.num_heads for _, head in without.heads):
        raise SegdemoError(f"The heads to go without must be of 0..{prediction.num_heads - 1}.")
    return without


def _check(image: npt.NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise SegdemoError(
            f"An image must be RGB uint8 of height x width x 3, not {image.dtype} {image.shape}: "
            "read it with segdemo.load_image."
        )


def _part(progress: Progress, done: int, count: int, total: int) -> Progress:
    return lambda share: progress((done + share * count) / total)
