"""A record of a real run on the tiny checkpoint, as the page's functions get it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.images import encode_jpeg
from segdemo.model.predictor import load_predictor
from segdemo.ui.store import Record


@pytest.fixture
def record(tiny_ade_checkpoint: Path, photo: npt.NDArray[np.uint8]) -> Record:
    predictor = load_predictor(tiny_ade_checkpoint)
    return Record(
        image=photo,
        display=encode_jpeg(photo),
        display_size=(photo.shape[0], photo.shape[1]),
        prediction=predictor(photo),
        taxonomy=predictor.taxonomy,
        checkpoint=predictor.checkpoint,
        seconds={"total": 0.5},
    )
