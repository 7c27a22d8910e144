"""The benchmark command: every engine in one table, and what cannot run is said."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.cli import benchmark as benchmarks
from segdemo.cli.benchmark import Timing, benchmark
from segdemo.errors import SegdemoError
from segdemo.images import encode_jpeg


def test_table_of_a_checkpoint(
    tiny_checkpoint: Path,
    photo: npt.NDArray[np.uint8],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(benchmarks, "_engines", lambda: [("torch", "fp32"), ("openvino", "fp32")])
    file = tmp_path / "photo.jpg"
    file.write_bytes(encode_jpeg(photo))
    benchmark(file, str(tiny_checkpoint), "64", 1)
    said = capsys.readouterr()
    assert "photo 160 x 120, input 96 x 64" in said.out
    assert "| torch | fp32 | cpu |" in said.out
    assert "openvino in fp32 is left out" in said.err


def test_total_is_from_bytes_to_semantic_map() -> None:
    timing = Timing("torch", "fp32", "cpu", decode=1, preprocess=2, forward=4, plain=3, semantic=8, panoptic=16)
    assert timing.total == 15


def test_a_missing_photograph_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match="no file"):
        benchmark(tmp_path / "none.jpg")
