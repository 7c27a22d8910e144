"""From a prediction and options to the map that people asked for, refined: the one way there is to it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size
from segdemo.refine.crf import PreparedCrf, Quality, prepare_crf
from segdemo.refine.pipeline import CrfOptions, Refined, RefinedSegments
from segdemo.results.job import Job
from segdemo.results.options import OutputOptions
from segdemo.results.refined import contending_categories, contending_classes, refined_segments, refined_semantic
from segdemo.segmentation.instances import Instances, instances
from segdemo.segmentation.panoptic import Segment, Segments, panoptic
from segdemo.segmentation.semantic import NO_CLASS, SemanticMap, class_probabilities, semantic

T = TypeVar("T")


class Keep(Protocol):
    """Somewhere to keep what several results of a photo have in common."""

    def __call__(
        self,
        key: Hashable,
        compute: Callable[[], T],
        *,
        version: Hashable = None,
        nbytes: Callable[[T], int] | None = None,
    ) -> T:
        """What is kept under ``key`` in this ``version``, computed where it is not there."""
        ...


def compute_anew(
    key: Hashable, compute: Callable[[], T], *, version: Hashable = None, nbytes: Callable[[T], int] | None = None
) -> T:
    """Keep nothing."""
    return compute()


@dataclass(frozen=True, eq=False)
class Source:
    """A photo with what the network made of it."""

    image: npt.NDArray[np.uint8]
    """RGB, (H, W, 3)."""
    prediction: Prediction
    keep: Keep = compute_anew

    @property
    def size(self) -> Size:
        """Height and width of the photo."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, eq=False)
class Result:
    """What was asked for: a semantic map, or segments."""

    options: OutputOptions
    before: SemanticMap | Segments
    """Without refinement; the same as ``after`` where none was asked for."""
    after: SemanticMap | Segments
    change: Refined | RefinedSegments[Segment] | None
    """What refinement changed; none where none was asked for."""
    quick: bool = False
    """Whether this is a preview that the result itself may differ from."""

    @property
    def labels(self) -> npt.NDArray[np.integer]:
        """(H, W): class indices, or segment ids."""
        return _labels(self.after)

    @property
    def labels_before(self) -> npt.NDArray[np.integer]:
        """The same without refinement."""
        return _labels(self.before)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        arrays = [array for part in (self.before, self.after) for array in vars(part).values()]
        arrays += [] if self.change is None else [self.change.difference.mask]
        distinct = {id(array): array for array in arrays if isinstance(array, np.ndarray)}
        masks = {
            one.mask for part in (self.before, self.after) if isinstance(part, Instances) for one in part.instances
        }
        return sum(array.nbytes for array in distinct.values()) + sum(mask.counts.nbytes for mask in masks)


def make_result(job: Job, source: Source, options: OutputOptions, *, preview: Size | None = None) -> Result:
    """Derive what the options ask for, in the job's turn and within its limits.

    At the photo's own size; or, where a ``preview`` of that (height, width) will do for now, for less work and nearly
    the same: at its size with the options scaled to it, and the CRF on a coarse grid. Raises ``StoppedError`` where the
    job is to end, and ``SegdemoError`` for what cannot be made.
    """
    options = options.of_the_map()
    if preview == source.size and not options.refine.crf.enabled:
        preview = None
    with job.turn():
        if options.task == "semantic" and not options.refine.active:
            return _semantic(job, source, options, None)
        make = _semantic if options.task == "semantic" else _segments
        return source.keep(
            ("result", options.task, preview),
            lambda: make(job, source, options, preview),
            version=options,
            nbytes=lambda result: result.nbytes,
        )


def semantic_map(job: Job, source: Source) -> SemanticMap:
    """The photo's semantic map without any refinement, in the job's turn."""
    with job.turn():
        return source.keep("semantic", lambda: semantic(source.prediction))


def _labels(found: SemanticMap | Segments) -> npt.NDArray[np.integer]:
    return found.labels if isinstance(found, SemanticMap) else found.ids


def reduced(labels: npt.NDArray[np.integer], size: Size) -> npt.NDArray[np.uint16]:
    """A map of labels or ids at another size (height, width), by the nearest pixel; the largest label is 65,535."""
    values = labels.astype(np.uint16)
    if values.shape == size:
        return values
    return np.asarray(cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint16)


def _semantic(job: Job, source: Source, options: OutputOptions, preview: Size | None) -> Result:
    size = preview or source.size
    refine = options.scaled(size[1] / source.size[1]).refine
    before = semantic_map(job, source)
    if size != source.size:
        before = source.keep(("semantic", size), lambda: sampled(semantic_map(job, source), size))
    if not refine.active or (before.labels == NO_CLASS).all():
        return Result(options, before, before, None, quick=preview is not None)
    quality: Quality = "exact" if preview is None else "interactive"
    classes = contending_classes(before.labels)
    image = source.keep(("picture", size), lambda: picture(source, size))
    after, change = refined_semantic(
        image,
        before,
        classes,
        _probabilities(source, classes, size),
        refine,
        quality=quality,
        prepared=_prepared_crf(source, image, refine.crf, quality),
        progress=lambda share: job.report("Refining", share),
    )
    return Result(options, before, after, change, quick=preview is not None)


def _segments(job: Job, source: Source, options: OutputOptions, preview: Size | None) -> Result:
    size = preview or source.size
    scaled = options.scaled(size[1] / source.size[1])
    shared: dict[str, Any] = {
        "score_threshold": scaled.score_threshold,
        "mask_threshold": scaled.mask_threshold,
        "split_components": scaled.split_components,
        "min_area": scaled.min_area,
        "size": size,
    }
    before: Segments
    if options.task == "panoptic":
        before = panoptic(
            source.prediction, overlap_threshold=scaled.overlap_threshold, fuse_stuff=scaled.fuse_stuff, **shared
        )
    else:
        before = instances(source.prediction, **shared)
    if not scaled.refine.active:
        return Result(options, before, before, None, quick=preview is not None)
    classes = contending_categories(before)
    probabilities = _probabilities(source, classes, size) if classes else None
    after, change = refined_segments(before, classes, probabilities, scaled.refine)
    return Result(options, before, after, change, quick=preview is not None)


def _probabilities(source: Source, classes: list[int], size: Size) -> npt.NDArray[np.float32]:
    return source.keep(
        ("probabilities", size),
        lambda: class_probabilities(source.prediction, classes=classes, size=size),
        version=tuple(classes),
    )


def _prepared_crf(
    source: Source, image: npt.NDArray[np.uint8], crf: CrfOptions, quality: Quality
) -> PreparedCrf | None:
    if not (crf.enabled and crf.bilateral_compat > 0 and crf.iterations > 0):
        return None
    return source.keep(
        ("crf", quality),
        lambda: prepare_crf(image, bilateral_sxy=crf.bilateral_sxy, bilateral_srgb=crf.bilateral_srgb, quality=quality),
        version=(crf.bilateral_sxy, crf.bilateral_srgb),
        nbytes=lambda prepared: prepared.nbytes,
    )


def picture(source: Source, size: Size) -> npt.NDArray[np.uint8]:
    """The photo at a size (height, width), averaged over areas."""
    if size == source.size:
        return source.image
    return np.asarray(cv2.resize(source.image, (size[1], size[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def sampled(whole: SemanticMap, size: Size) -> SemanticMap:
    """A semantic map at another size (height, width), by the nearest pixel."""
    scores = cv2.resize(whole.scores, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return SemanticMap(reduced(whole.labels, size).astype(np.int16), np.asarray(scores, np.float32))
