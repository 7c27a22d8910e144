"""Spoilt checkpoints run or are named; ``benchmarks.fuzz_checkpoints`` tries more, and asks the library the same."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.damage.fuzz import KINDS, Originals


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_said_and_nothing_else_is_raised(
    kind: str, tiny_checkpoint: Path, tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    originals = Originals(tiny_checkpoint, tmp_path, photo)
    outcomes = [originals.attempt(kind, seed) for seed in range(30)]
    assert [outcome for outcome in outcomes if outcome.fault] == []
    # Most changes are noticed, and some change nothing that matters.
    assert 0.1 < sum(bool(outcome.said) for outcome in outcomes) / len(outcomes) < 1
