"""Spoilt data sets are read, or a sentence names the file; ``benchmarks.fuzz_labels`` tries more."""

from pathlib import Path

import pytest

from tests.data.changes import Change
from tests.data.fuzz import KINDS, Originals, lines_changed


def test_a_changed_line_is_looked_for_where_it_is_after_lines_were_added_above() -> None:
    path, other = Path("a.txt"), Path("b.txt")
    done = (
        Change(path, "word in line 2", line=2),
        Change(other, "line in line 1", line=1, more=1),
        Change(path, "twice in line 1", line=1, more=1),
        Change(path, "line in line 9", line=9, more=1),
    )
    assert list(lines_changed(done)) == ["line 3", "line 1", "line 1", "line 9"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_is_said_and_nothing_else_is_raised(kind: str, tmp_path: Path) -> None:
    originals = Originals(tmp_path)
    outcomes = [originals.attempt(kind, seed) for seed in range(200)]
    assert [outcome for outcome in outcomes if outcome.fault] == []
    # Most changes are noticed, and some change nothing that matters.
    assert 0.3 < sum(bool(outcome.said) for outcome in outcomes) / len(outcomes) < 0.99
