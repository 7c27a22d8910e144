"""Spoilt data sets are read, or a sentence names the file; ``benchmarks.fuzz_labels`` tries more."""

from pathlib import Path

import pytest

from tests.data.fuzz import KINDS, Originals


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_said_and_nothing_else_is_raised(kind: str, tmp_path: Path) -> None:
    originals = Originals(tmp_path)
    outcomes = [originals.attempt(kind, seed) for seed in range(200)]
    assert [outcome for outcome in outcomes if outcome.fault] == []
    # Most changes are noticed, and some change nothing that matters.
    assert 0.3 < sum(bool(outcome.said) for outcome in outcomes) / len(outcomes) < 0.99
