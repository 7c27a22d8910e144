"""How good a network is on pictures kept back from training: by the same code that the demo predicts with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segdemo.data import Dataset
from segdemo.judging import SegmentOptions, run_evaluation
from segdemo.model.preprocessing import Preprocessing
from segdemo.prediction import Prediction
from segdemo.training.divergence import require_finite


@dataclass(frozen=True)
class Validated:
    """What was measured on one validation source."""

    pixel_accuracy: float
    """Share of the labelled pixels that got their class, 0 to 1."""
    miou: float
    """Mean intersection over union of the classes present in the ground truth, 0 to 1."""
    class_iou: Mapping[int, float]
    """By index of the classes present."""
    pq: float | None = None
    """Panoptic quality over the classes present, 0 to 1; none where it was not asked for."""

    @property
    def choice(self) -> float:
        """What snapshots are chosen by: pixel accuracy and mIoU count alike."""
        return (self.pixel_accuracy + self.miou) / 2


def processor_settings(size: int, mean: Sequence[float], std: Sequence[float]) -> Preprocessing:
    """Return the preprocessing that the result's processor is written with; ``size`` is the short side in pixels."""
    return Preprocessing(
        size={"shortest_edge": size, "longest_edge": 4 * size},
        size_divisor=32,
        resample=2,
        do_resize=True,
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        mean=tuple(mean),
        std=tuple(std),
    )


def predict(network: Any, image: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> Prediction:
    """Run one picture, RGB uint8 (H, W, 3), through a ``Mask2FormerForUniversalSegmentation``; last layer only.

    Raises ``DivergedError`` for an answer that is not of numbers.
    """
    pixels, input_size, content_size = preprocessing(image, "checkpoint")
    with torch.inference_mode():
        outputs = network(pixel_values=torch.from_numpy(pixels)[None])
    answers = (("what it predicts", outputs[name]) for name in ("masks_queries_logits", "class_queries_logits"))
    require_finite(answers, "for a picture")
    return Prediction(
        image_size=(image.shape[0], image.shape[1]),
        input_size=input_size,
        content_size=content_size,
        id2label=network.config.id2label,
        masks=(outputs.masks_queries_logits[0].float().numpy(),),
        classes=(outputs.class_queries_logits[0].float().numpy(),),
    )


def validate(network: Any, data: Dataset, preprocessing: Preprocessing, *, with_pq: bool = False) -> Validated:
    """Measure a network on labelled pictures at their own size; ``with_pq`` also matches segments."""
    segments = SegmentOptions() if with_pq else None
    measured = run_evaluation(_OneByOne(network, preprocessing), data, segments=segments, boundary=False).overall
    return Validated(
        pixel_accuracy=measured.pixel_accuracy,
        miou=measured.miou,
        class_iou=measured.class_iou,
        pq=measured.panoptic.pq if measured.panoptic is not None else None,
    )


class _OneByOne:
    """A network in training as the judge wants a predictor."""

    def __init__(self, network: Any, preprocessing: Preprocessing) -> None:
        self.id2label: Mapping[int, str] = network.config.id2label
        self._network, self._preprocessing = network, preprocessing

    def predict_batch(
        self, images: Sequence[npt.NDArray[np.uint8]], *, size: Any, task: str | None
    ) -> list[Prediction]:
        """One prediction for each picture, in the size of the run's own settings."""
        return [predict(self._network, image, self._preprocessing) for image in images]
