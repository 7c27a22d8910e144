"""Damaged and hostile checkpoint folders: a sentence that names file and field, or the library's own answer."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.damage.kinds import DAMAGES, Damage
from tests.damage.trying import of_the_library, said
from tests.picking import rest_slow

CASES = rest_slow(DAMAGES, lambda damage: bool(damage.named))
"""Those that must run are run twice."""


@pytest.mark.parametrize("damage", CASES, ids=lambda damage: damage.name)
def test_a_damaged_checkpoint_is_a_sentence_or_works(
    damage: Damage, tiny_checkpoint: Path, tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "spoilt")
    damage.change(folder)
    prediction, sentence = said(folder, photo)
    assert "\n" not in sentence
    if damage.named:
        assert [part for part in damage.named if part not in sentence] == [], sentence
        assert len(sentence) < 700
    else:
        assert prediction is not None, sentence
        expected = of_the_library(folder, photo)
        if expected is not None:
            assert np.abs(prediction.mask_logits() - expected[0]).max() < 1e-4
            assert np.abs(prediction.class_logits() - expected[1]).max() < 1e-4
