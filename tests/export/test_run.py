"""An export as a whole: what is written, what is refused, and that it is whole or not at all.

Conversion and contenders are stand-ins here; the real ones are in ``test_formats`` and ``test_export_command``.
"""

import errno
import json
import os
import re
import shutil
import time
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export import run as room
from segdemo.export.contest import Ran
from segdemo.export.make import Made
from segdemo.export.parity import Picture
from segdemo.export.run import Order, export

FIGURES = {"load_seconds": 1.0, "forward_seconds": 0.1, "photo_seconds": 0.2, "peak_bytes": 10**8, "start_bytes": 1}


def answer(wrong: int) -> dict[str, np.ndarray]:
    """Two queries over 8 x 8 cells, class 0 on the left half but for ``wrong`` columns, class 1 on the rest."""
    classes = np.full((2, 6), -9, np.float32)
    classes[0, 0] = classes[1, 1] = 9
    masks = np.full((2, 8, 8), -9, np.float32)
    masks[0, :, : 4 - wrong] = 9
    masks[1, :, 4 - wrong :] = 9
    return {"classes": classes, "masks": masks}


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Conversion writes a few bytes, contenders answer; ``wrong`` is how far the export's answer is off."""
    told: dict[str, Any] = {"wrong": 0, "made": []}

    def make_files(folder: Path, format: str, precision: str, size: Any, file: Path, *others: Any) -> Made:
        if "error" in told:
            raise told["error"]
        file.write_bytes(b"graph")
        told["made"].append((file.name, size))
        return Made(file, 5, True, 18, 12, 5, "")

    def run_contender(name: str, pixels: Any, photo: Path, work: Path, request: Any, *, batch: bool) -> Ran:
        files = []
        for index in range(len(pixels)):
            files.append(work / f"{name}-{index}.npz")
            np.savez(files[-1], **answer(told["wrong"] if name == "exported" else 0))
        return Ran(name, FIGURES, tuple(files))

    monkeypatch.setattr(room, "make_files", make_files)
    monkeypatch.setattr(room, "run_contender", run_contender)
    return told


@dataclass(frozen=True)
class Drawn(Picture):
    """A picture that needs no file."""

    def load(self) -> np.ndarray:
        return np.full((32, 48, 3), 90, np.uint8)


PICTURES = [Drawn(name, Path(f"{name}.png")) for name in "abcd"]


def order(checkpoint: Path, out: Path, **changes: Any) -> Order:
    values = {"precision": "fp32", "sizes": ((64, 96),), "pictures": PICTURES[:2], **changes}
    return Order(checkpoints.find(checkpoint), "onnx", out=out, **values)


def test_the_folder_is_what_the_contract_says(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    card = export(order(tiny_checkpoint, tmp_path / "out", command="python -m segdemo export"), print)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"model.onnx", "config.json", "preprocessor_config.json", "parity.json", "README.md"}
    assert json.loads((tmp_path / "out" / "parity.json").read_text()) == card
    assert card["passed"]
    assert not card["forced"]
    assert card["shapes"][0]["labels_equal"]["worst"] == 1
    text = (tmp_path / "out" / "README.md").read_text()
    assert "100.000 % equal in the mean" in text
    assert "they do." in text
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"  0% converting for 64 x 96, about \d+ (s|min) left", lines[0])


def test_several_sizes_are_several_graphs(tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]) -> None:
    card = export(order(tiny_checkpoint, tmp_path / "out", sizes=((64, 96), (96, 64))), lambda line: None)
    assert [entry["name"] for entry in card["files"]] == ["model-64x96.onnx", "model-96x64.onnx"]
    assert [(shape["height"], shape["width"]) for shape in card["shapes"]] == [(64, 96), (96, 64)]


def test_the_size_is_the_processors_unless_named(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]
) -> None:
    export(order(tiny_checkpoint, tmp_path / "out", sizes=()), lambda line: None)
    assert stand_ins["made"] == [("model.onnx", (96, 128))]


def test_too_few_equal_labels_are_refused_and_what_was_there_stays(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]
) -> None:
    out = tmp_path / "out"
    export(order(tiny_checkpoint, out), lambda line: None)
    before = (out / "parity.json").read_text()
    stand_ins["wrong"] = 1
    with pytest.raises(SegdemoError, match=r"Only 87\.\d+ % .* 99\.990 % are wanted in fp32: nothing was"):
        export(order(tiny_checkpoint, out), lambda line: None)
    assert (out / "parity.json").read_text() == before
    assert list(tmp_path.iterdir()) == [out]


def test_what_was_forced_says_so(tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]) -> None:
    stand_ins["wrong"] = 1
    card = export(order(tiny_checkpoint, tmp_path / "out", force=True), lambda line: None)
    assert (card["passed"], card["forced"]) == (False, True)
    assert card["shapes"][0]["labels_equal"]["mean"] == pytest.approx(0.875, abs=0.01)
    assert (tmp_path / "out" / card["shapes"][0]["differences"]).read_bytes()[:2] == b"\xff\xd8"
    text = (tmp_path / "out" / "README.md").read_text()
    assert "Refused, and written by force" in text
    assert "differences.jpg" in text


def test_a_full_disk_is_a_sentence(tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]) -> None:
    stand_ins["error"] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(SegdemoError, match="is full: free some space"):
        export(order(tiny_checkpoint, tmp_path / "out"), lambda line: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("PytorchStreamWriter failed writing file"),
        OSError(None, "basic_ios::clear", "model.xml"),
        SegdemoError("This export did not run: No space left on device"),
    ],
    ids=["torch", "openvino", "another process"],
)
def test_whoever_finds_the_disk_full_it_is_a_sentence(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Runtimes do not say what is wrong; there is room again as soon as what was begun is removed."""

    def free(folder: Path) -> int:
        return 4096 if any(folder.glob(".out.part-*")) else 10**9

    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(free(folder)))
    stand_ins["error"] = error
    with pytest.raises(SegdemoError, match=r"The disk that .*out is on is full: free some space.* Nothing was written"):
        export(order(tiny_checkpoint, tmp_path / "out"), lambda line: None)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9))
    with pytest.raises((RuntimeError, SegdemoError), match=r"failed writing|cannot be written|did not run"):
        export(order(tiny_checkpoint, tmp_path / "out"), lambda line: None)


def test_a_folder_of_other_files_is_left_alone(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]
) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(SegdemoError, match="holds files that are no export"):
        export(order(tiny_checkpoint, tmp_path), lambda line: None)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_ranges_of_8_bits_are_found_on_other_pictures(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]
) -> None:
    card = export(order(tiny_checkpoint, tmp_path / "out", precision="int8", pictures=PICTURES), lambda line: None)
    assert card["calibrated_on"] == ["a", "c"]
    assert set(card["shapes"][0]["labels_equal"]["by_picture"]) == {"b", "d"}


def test_what_a_killed_export_left_goes_after_a_day(
    tiny_checkpoint: Path, tmp_path: Path, stand_ins: dict[str, Any]
) -> None:
    for name, age in ((".out.part-old", 90_000), (".out.part-new", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    export(order(tiny_checkpoint, tmp_path / "out"), lambda line: None)
    assert {file.name for file in tmp_path.iterdir()} == {"out", ".out.part-new"}
