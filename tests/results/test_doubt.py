"""The line at a photo that is unlike what a network knows: when it is there, and what it says."""

from dataclasses import replace

import numpy as np
import pytest

from segdemo.checkpoints import EMBEDDED_ID, find
from segdemo.results.doubt import doubt
from segdemo.segmentation import Planes
from segdemo.taxonomy import ade20k


def unsure_over(share: float) -> Planes:
    """A hundred pixels of which so many have a best class with 49 %, and the others one with 50 %."""
    top = np.full((10, 10), 0.5, np.float32)
    top.flat[: round(100 * share)] = 0.49
    none, zeros = np.zeros((10, 10), np.int16), np.zeros((10, 10), np.float32)
    return Planes(none, top, none, zeros, zeros, none)


@pytest.mark.parametrize(("share", "said"), [(0.0, ""), (0.29, ""), (0.30, "30 %"), (0.71, "71 %")])
def test_it_is_said_from_a_third_or_so_of_the_photo_on(share: float, said: str) -> None:
    sentence = doubt(find(EMBEDDED_ID), ade20k(), unsure_over(share))
    assert bool(sentence) == bool(said)
    assert said in sentence


def test_it_says_how_many_classes_were_learned_where_the_checkpoint_tells() -> None:
    told = replace(find(EMBEDDED_ID), known_classes=(0, 2, 4, 12, 126))
    assert "It knows 5 classes" in doubt(told, ade20k(), unsure_over(1))
    assert "It knows 150 classes" in doubt(replace(told, known_classes=None), ade20k(), unsure_over(1))
    assert "over 100 % of this photo" in doubt(told, ade20k(), unsure_over(1))
    assert "less than 50 %" in doubt(told, ade20k(), unsure_over(1))
