"""The prediction that several files of this room look at."""

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.prediction import Prediction
from tests.results.hand_made import LABELS, hand_made


@pytest.fixture
def prediction() -> Prediction:
    """Sky in the upper half, a car in the lower left and another in the lower right: 32 x 48."""
    masks = np.zeros((3, 8, 12), bool)
    masks[0, :4] = masks[1, 4:, :6] = masks[2, 4:, 6:] = True
    return hand_made([1, 2, 2], masks, LABELS)


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    return np.full((32, 48, 3), 100, np.uint8)
