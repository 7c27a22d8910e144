"""Contact sheets: a few validation photos with their ground truth and what the network makes of them."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.data.samples import Sample
from segdemo.labels import NOTHING
from segdemo.model.preprocessing import Preprocessing
from segdemo.segmentation.semantic import LEAST, semantic
from segdemo.taxonomy import Taxonomy, taxonomy_for
from segdemo.training.validation import predict

WIDTH = 240
"""Width of a picture on the sheet, in pixels."""


def contact_sheet(
    network: Any,
    validation: Mapping[str, Sequence[Sample]],
    preprocessing: Preprocessing,
    path: Path,
    *,
    rows: int = 8,
) -> None:
    """Write a JPEG with a row for each of ``rows`` pictures of all sources: photo, truth, prediction."""
    classes = taxonomy_for(network.config.id2label)
    turns = [sample for group in zip_longest(*map(_spread, validation.values())) for sample in group if sample]
    lines = []
    for sample in turns[:rows]:
        least = LEAST if NOTHING in sample.classes else None
        labels = semantic(predict(network, sample.image, preprocessing), least=least).labels
        cells = [sample.image, _painted(sample, sample.labels, classes), _painted(sample, labels, classes)]
        height = round(WIDTH * sample.image.shape[0] / sample.image.shape[1])
        small = [cv2.resize(cell, (WIDTH, height), interpolation=cv2.INTER_AREA) for cell in cells]
        lines.append(np.concatenate(small, axis=1))
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(lines), cv2.COLOR_RGB2BGR))


def _spread(samples: Sequence[Sample], count: int = 8) -> list[Sample]:
    step = max(1, len(samples) // count)
    return [samples[place] for place in range(0, len(samples), step)]


def _painted(sample: Sample, labels: npt.NDArray[np.integer], classes: Taxonomy) -> npt.NDArray[np.uint8]:
    """The photo under its labels' colours; no label and no class are dark."""
    table = np.zeros((max(classes.colors, default=0) + 2, 3), np.float32)
    for index, color in classes.colors.items():
        table[index] = color
    return np.asarray(0.3 * sample.image + 0.7 * table[np.where(labels < 0, len(table) - 1, labels)], np.uint8)
