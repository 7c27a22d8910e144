"""The benchmark of evaluation, comparison, features and what-if, on a checkpoint and photographs that are tiny."""

import re
from pathlib import Path

import pytest

from benchmarks import evaluation


@pytest.mark.slow
def test_every_part_has_a_row_with_a_figure(
    tiny_ade_checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a program sets for its whole process is no matter of a test's.
    monkeypatch.setattr(evaluation, "prepare_process", lambda: None)
    evaluation.main(["--checkpoint", str(tiny_ade_checkpoint), "--tiny", "--repeats", "1", "--photos", "3"])
    told = capsys.readouterr().out
    assert "One photograph of 128 x 96" in told
    rows = [line.strip("| ").split(" | ") for line in told.splitlines() if re.match(r"\| [^-|]", line)]
    timed = {name: (time, float(ratio)) for name, time, ratio in (row for row in rows if len(row) == 3)}
    assert all(re.fullmatch(r"\d+\.\d+ m?s", time) and ratio >= 0 for time, ratio in timed.values())
    assert timed["the forward pass, everything captured"][1] == 1
    begins = ["`evaluate`, 5 layers", "of it, causes"]
    begins += ["compare: agreement", "compare: both", "compare with short side 40", "what if: "]
    for begin in (*begins, "three components as colours: ", "likeness to a pixel: "):
        assert any(name.startswith(begin) for name in timed), begin
    # Four stages of the backbone, three levels of the pixel decoder and the mask features.
    assert sum(name.startswith("likeness to a pixel: ") for name in timed) == 8
    rates = {name: float(rate) for name, rate in (row for row in rows if len(row) == 2 and row[1][0].isdigit())}
    assert set(rates) == {
        "read and segmented, one after the other",
        "evaluated with all layers, and the report written",
    }
    assert "3 photographs of a folder | photographs per second" in told
    assert min(rates.values()) > 0
