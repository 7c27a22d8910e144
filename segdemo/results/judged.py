"""A result against labels: what the Evaluate tab and HTTP judge, by the options that made it."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.errors import WIDTH
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.photo import Evaluation
from segdemo.evaluation.truth import TrueSegments
from segdemo.results.job import Job
from segdemo.results.make import Source, make_result
from segdemo.results.options import OutputOptions
from segdemo.segmentation import Segments

WIDEST = 20
"""Pixels on either side of a border that the boundary band may have at most."""


class Labelled(Protocol):
    """What is known of a photo."""

    @property
    def labels(self) -> npt.NDArray[np.integer]:
        """(H, W): class indices and the special values of ``segdemo.labels``."""

    @property
    def covered(self) -> frozenset[int] | None:
        """The classes that the labels can name; none for all."""

    @property
    def objects(self) -> TrueSegments | None:
        """The objects told apart, where they are."""


def judge(
    job: Job, source: Source, options: OutputOptions, labels: Labelled, *, width: float = WIDTH, layers: bool = True
) -> Evaluation:
    """Make what the options ask for and evaluate it, in the job's turn and within its limits.

    ``width`` and ``layers`` are those of ``evaluate``. Segments are judged by their classes, refined maps and segments
    beside what they were before. Raises ``SegdemoError`` as ``make_result`` and ``evaluate`` do.
    """
    with job.turn():
        result = make_result(job, source, options)
        job.report("Comparing with the labels")
        given: dict[str, Any] = {}
        if isinstance(result.after, Segments):
            given["segments"] = result.after
            if result.change is not None:
                given["unrefined"] = result.before
        elif result.change is not None:
            given["refined"] = result.labels
        return evaluate(
            source.prediction,
            labels.labels,
            **given,
            objects=labels.objects,
            panoptic_options={
                "score_threshold": options.score_threshold,
                "mask_threshold": options.mask_threshold,
                "overlap_threshold": options.overlap_threshold,
                "split_components": options.split_components,
                "min_area": options.min_area,
            },
            covered=labels.covered,
            width=width,
            layers=layers,
        )
