"""The refinement of a label map or of segments, as the page, the command line and the endpoint run it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.progress import Progress
from segdemo.refine.crf import PreparedCrf, Quality, check_ranges, crf_grid, dense_crf
from segdemo.refine.difference import Difference, difference
from segdemo.refine.morphology import MorphologyOptions, morphology
from segdemo.refine.segments import morphology_segments

Info = TypeVar("Info")


@dataclass(frozen=True)
class CrfOptions:
    """The dense CRF's parameters, as `dense_crf` takes them, and whether it runs at all."""

    enabled: bool = False
    gaussian_sxy: float = 3
    gaussian_compat: float = 3
    bilateral_sxy: float = 60
    bilateral_srgb: float = 10
    bilateral_compat: float = 10
    iterations: int = 5

    def __post_init__(self) -> None:
        check_ranges(**self.parameters())

    def parameters(self) -> dict[str, float]:
        """The keyword arguments for `dense_crf`."""
        return {name: value for name, value in asdict(self).items() if name != "enabled"}


@dataclass(frozen=True)
class RefineOptions:
    """What to do to a label map: the CRF first, then morphology. By default nothing."""

    crf: CrfOptions = field(default_factory=CrfOptions)
    morphology: MorphologyOptions = field(default_factory=MorphologyOptions)

    @property
    def active(self) -> bool:
        """Whether they can change anything."""
        return self.crf.enabled or self.morphology.active

    def parameters(self) -> dict[str, Any]:
        """Everything that was done, as plain values for a JSON file beside the result: ``None`` for a step left out."""
        return {
            "crf": self.crf.parameters() if self.crf.enabled else None,
            "morphology": asdict(self.morphology) if self.morphology.active else None,
        }


@dataclass(frozen=True, eq=False)
class Refined:
    """A refined label map.

    ``labels``: (H, W), the type of the map before. ``difference``: what changed. ``seconds``: the time it took.
    ``grid_factor``: how many pixels of the photo the points of the CRF's grid are apart; 1 also where it did not run.
    ``parameters``: what was done, plain values, with the quality and the grid.
    """

    labels: npt.NDArray[Any]
    difference: Difference
    seconds: float
    grid_factor: float
    parameters: dict[str, Any]

    @property
    def changed_percent(self) -> float:
        """Pixels changed, in percent of the photo."""
        return self.difference.changed_percent


@dataclass(frozen=True, eq=False)
class RefinedSegments(Generic[Info]):
    """Refined segments: ``ids`` int32 (H, W), 0 = none, the segments that are left, and the rest as in `Refined`.

    In ``difference`` labels are segment ids.
    """

    ids: npt.NDArray[np.int32]
    segments_info: list[Info]
    difference: Difference
    seconds: float
    parameters: dict[str, Any]

    @property
    def changed_percent(self) -> float:
        """Pixels changed, in percent of the photo."""
        return self.difference.changed_percent


def refine_semantic(
    image: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[int] | npt.NDArray[np.integer],
    labels: npt.NDArray[np.integer],
    options: RefineOptions,
    *,
    quality: Quality = "exact",
    prepared: PreparedCrf | None = None,
    progress: Progress | None = None,
) -> Refined:
    """Refine a semantic map: the CRF's most probable labels, then morphology on them, with the CRF's marginals.

    ``image``: RGB uint8 (H, W, 3). ``probabilities``: (L, H, W), any floating type, summing to 1 over the L classes
    whose indices ``classes`` names. ``labels``: integers (H, W), the map before. The rest as for `dense_crf`.
    Where the CRF runs, a pixel whose label is not among ``classes`` gets one that is.
    """
    started = time.perf_counter()
    if len(classes) != len(probabilities) or labels.shape != image.shape[:2]:
        raise SegdemoError(
            f"There are {len(probabilities)} maps of probabilities for {len(classes)} classes, and a label map of "
            f"{labels.shape} for a photo of {image.shape[:2]}: give one map for each class, all of the photo's size."
        )
    result: npt.NDArray[Any] = labels
    scores: npt.NDArray[Any] = probabilities
    factor = 1.0
    if options.crf.enabled:
        crf = options.crf
        scores = dense_crf(
            image,
            probabilities,
            gaussian_sxy=crf.gaussian_sxy,
            gaussian_compat=crf.gaussian_compat,
            bilateral_sxy=crf.bilateral_sxy,
            bilateral_srgb=crf.bilateral_srgb,
            bilateral_compat=crf.bilateral_compat,
            iterations=crf.iterations,
            quality=quality,
            prepared=prepared,
            progress=progress,
        )
        result = np.asarray(classes).astype(labels.dtype)[most_probable(scores)]
        factor = crf_grid(image.shape, quality).factor
    if options.morphology.active:
        result = morphology(result, options.morphology, probabilities=scores, classes=classes)
    parameters = {
        **options.parameters(),
        "quality": quality if options.crf.enabled else None,
        "grid_factor": round(factor, 3),
    }
    changes = difference(labels, result)
    return Refined(result, changes, time.perf_counter() - started, factor, parameters)


def refine_panoptic(
    ids: npt.NDArray[np.int32],
    segments_info: Sequence[Info],
    options: RefineOptions,
    *,
    probabilities: npt.NDArray[np.floating] | None = None,
    classes: Sequence[int] | npt.NDArray[np.integer] | None = None,
) -> RefinedSegments[Info]:
    """Refine segments by morphology; the arguments are those of `morphology_segments`.

    There is no CRF over segments: its unary potentials would need a probability for every segment at every pixel, while
    panoptic maps leave pixels without any, and its Potts term would merge neighbouring objects of one colour. Raises
    SegdemoError when ``options`` ask for it.
    """
    started = time.perf_counter()
    if options.crf.enabled:
        raise SegdemoError(
            "The CRF refines semantic maps only: switch it off for segments, or refine the semantic map."
        )
    new_ids, left = morphology_segments(
        ids, segments_info, options.morphology, probabilities=probabilities, classes=classes
    )
    return RefinedSegments(new_ids, left, difference(ids, new_ids), time.perf_counter() - started, options.parameters())


def most_probable(marginals: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """For each pixel the first of the most probable rows of (L, H, W): integers (H, W)."""
    best = marginals[0].copy()
    winner = np.zeros(best.shape, np.intp)
    for row in range(1, len(marginals)):
        better = marginals[row] > best
        np.copyto(best, marginals[row], where=better)
        winner[better] = row
    return winner
