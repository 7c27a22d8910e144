"""The benchmark of the families, on checkpoints small enough to run here."""

from pathlib import Path

import pytest

from benchmarks import relatives
from segdemo.model.architecture import ARCHITECTURES


def test_rows_are_published_architectures() -> None:
    others = [row for row in relatives.ROWS if not row.startswith("mask2former")]
    assert set(others) <= set(ARCHITECTURES)
    assert {row.split("-")[0] for row in others} == {"oneformer", "maskformer", "upernet", "eomt"}


@pytest.mark.slow
def test_a_row_is_measured_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"
    rows = ["oneformer-swin-tiny-ade", "mask2former-swin-large-coco-instance"]
    for some in (rows[:1], rows):
        assert relatives.main(["--tiny", "--repeats", "1", "--out", str(out), "--rows", *some]) == 0
    lines = out.read_text().splitlines()
    assert capfd.readouterr().out.splitlines() == lines
    table = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert [cells[:2] for cells in table[1:]] == [[f"| {rows[0]}", "semantic"], [f"| {rows[1]}", "instance"]]
    assert [cells[2:4] for cells in table[1:]] == [["128x96", "fp32"]] * 2
    for cells in table[1:]:
        ours, library, ratio, *peaks = (float(cell.split()[0]) for cell in cells[4:])
        assert ratio == pytest.approx(library / ours, rel=0.5)
        assert all(0.1 < peak < 4 for peak in peaks)
