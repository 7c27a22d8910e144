"""``segdemo export`` from end to end, and ``segment --model`` on what it wrote."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from segdemo.cli import make_app
from segdemo.cli.export import pictures_of
from segdemo.errors import MissingExtraError, SegdemoError


def run(*words: object) -> None:
    found = CliRunner().invoke(make_app(), [str(word) for word in words], catch_exceptions=True)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception


@pytest.mark.slow
def test_a_torchscript_export_segments_as_the_checkpoint_does(
    tiny_checkpoint: Path, tmp_path: Path, index_data: Path
) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "export"
    y, x = np.mgrid[0:96, 0:128]
    waves = [np.sin(x / 17 + y / 29), np.cos(x / 23 - y / 11), np.sin((x + y) / 31)]
    Image.fromarray(np.stack([(127.5 + 127.5 * wave).astype(np.uint8) for wave in waves], axis=-1)).save(photo)
    command = ["export", "--format", "torchscript", "--checkpoint", tiny_checkpoint, "--images", photo, "--out", out]
    command += ["--data", index_data, "--batch"]
    done = subprocess.run(
        [sys.executable, "-m", "segdemo", *map(str, command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "converting for 96 x 128" in done.stderr
    card = json.loads((out / "parity.json").read_text())
    assert card["passed"]
    miou = card["shapes"][0]["miou"]
    assert miou["pictures"] == 4
    assert 0 <= miou["before"] <= 1
    assert miou["after"] == pytest.approx(miou["before"], abs=1e-3)
    run("evaluate", "--data", index_data, "--model", out, "--out", tmp_path / "judged")
    judged = json.loads((tmp_path / "judged" / "evaluation.json").read_text())
    assert judged["engine"] == "torchscript"
    assert judged["overall"]["miou"] == pytest.approx(miou["after"], abs=1e-6)
    assert [row["name"] for row in card["shapes"][0]["contenders"]] == ["exported", "torch", "pipeline"]
    for row in card["shapes"][0]["contenders"]:
        assert min(row["load_seconds"], row["forward_seconds"], row["photo_seconds"], row["batch_seconds"]) > 0
        assert row["peak_bytes"] > row["start_bytes"] > 0
    assert str(tmp_path) not in (out / "README.md").read_text()
    # The photo has the graph's size, so that nothing is stretched and both see the same pixels.
    run("segment", photo, "--engine", "torchscript", "--model", out, "--out", tmp_path / "a")
    run("segment", photo, "--engine", "torch", "--checkpoint", tiny_checkpoint, "--out", tmp_path / "b")
    labels = [np.asarray(Image.open(tmp_path / name / "photo.semantic.png")) for name in "ab"]
    assert (labels[0] == labels[1]).mean() > 0.999


def test_engines_that_need_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"name it with --model, and make it with .*--format onnx"):
        run("segment", "a.jpg", "--engine", "onnx", "--out", tmp_path)
    with pytest.raises(SegdemoError, match="leave --checkpoint out"):
        run("segment", "a.jpg", "--engine", "onnx", "--model", tmp_path, "--checkpoint", "x/y", "--out", tmp_path)
    with pytest.raises(SegdemoError, match=r"name it with --model"):
        run("evaluate", "--data", tmp_path, "--engine", "onnx")
    with pytest.raises(SegdemoError, match=r"holds no parity.json"):
        run("evaluate", "--data", tmp_path, "--model", tmp_path)
    with pytest.raises(SegdemoError, match=r"holds no parity.json"):
        run("segment", "a.jpg", "--engine", "onnx", "--model", tmp_path, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("missing", "format", "precision"),
    [
        ("onnx", "onnx", "fp32"),
        ("onnxscript", "tensorrt", "fp16"),
        ("onnxruntime", "openvino", "int8"),
        ("openvino", "openvino", "fp32"),
    ],
)
def test_a_missing_extra_is_the_command_that_installs_it(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, format: str, precision: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    words = ["--format", format, "--precision", precision, "--checkpoint", tiny_checkpoint, "--out", tmp_path / "out"]
    with pytest.raises(MissingExtraError, match=r'The export to .* run `pip install -e "\.\[export\]"`\.$'):
        run("export", *words, "--quiet")
    assert not list(tmp_path.iterdir())


def test_sizes_are_checked_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match="is not an input size"):
        run("export", "--format", "onnx", "--shape", "65x64", "--out", tmp_path / "out")
    with pytest.raises(SegdemoError, match="give --shape any alone"):
        run("export", "--format", "onnx", "--shape", "any", "--shape", "64x64", "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--format torchscript --shape any", "TorchScript is traced, which is right at one size only: name it"),
        ("--format web --endpoint", "A web page answers no requests"),
        ("--format web", "The page needs ONNX Runtime Web: run `npm pack onnxruntime-web@"),
        ("--format onnx --runtime package", "are of --format web alone: leave them out"),
        ("--format tensorrt --endpoint", "--endpoint is for onnx, openvino, torchscript: a tensorrt export has no"),
        ("--format onnx --task panoptic", "A Mask2Former checkpoint is not told a task: leave --task panoptic out"),
    ],
)
def test_what_does_not_go_together_is_a_sentence(tiny_checkpoint: Path, tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(SegdemoError, match=re.escape(said)):
        run("export", *words.split(), "--checkpoint", tiny_checkpoint, "--out", tmp_path / "out", "--quiet")
    assert not list(tmp_path.iterdir())


def test_pictures_are_a_file_a_folder_or_the_examples(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [picture.name for picture in pictures_of(tmp_path)] == ["a", "b"]
    assert [picture.name for picture in pictures_of(tmp_path / "b.jpg")] == ["b"]
    assert len(pictures_of(None)) == 8
    with pytest.raises(SegdemoError, match="There is no"):
        pictures_of(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SegdemoError, match="no pictures"):
        pictures_of(tmp_path / "empty")
