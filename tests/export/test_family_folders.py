"""Whole folders of the families beside Mask2Former: what their cards say, and how they are run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

import segdemo
from segdemo import checkpoints
from segdemo.cli import elsewhere, make_app
from segdemo.errors import SegdemoError
from segdemo.export import run as room
from segdemo.export.contender import CONTENDERS
from segdemo.export.contest import Ran
from segdemo.export.parity import Picture
from segdemo.export.run import Order, export
from segdemo.model.capture import Request
from segdemo.model.exported import load_exported
from tests.networks import write_tiny_eomt, write_tiny_oneformer, write_tiny_upernet

FIGURES = {"load_seconds": 1.0, "forward_seconds": 0.1, "photo_seconds": 0.2, "peak_bytes": 10**8, "start_bytes": 1}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contenders run here instead of in processes of their own, and are not timed."""

    def run(name: str, pixels: Any, photo: Path, work: Path, request: Any, *, batch: bool) -> Ran:
        contender = CONTENDERS[name](request)
        contender.photo(str(photo))
        files = []
        for index, source in enumerate(pixels):
            files.append(work / f"{name}-{index}.npz")
            np.savez(files[-1], *(part[0] for part in contender.forward(np.load(source)[None])))
        return Ran(name, FIGURES, tuple(files))

    monkeypatch.setattr(room, "run_contender", run)


def exported(folder: Path, out: Path, photo: npt.NDArray[np.uint8], **changes: Any) -> dict[str, Any]:
    picture = out.parent / "photo.png"
    Image.fromarray(photo).save(picture)
    order = Order(checkpoints.find(folder), "torchscript", "fp32", out, pictures=[Picture("photo", picture)], **changes)
    return export(order, lambda line: None)


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_oneformer_is_told_one_task_for_good(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    folder, out = write_tiny_oneformer(tmp_path / "checkpoint"), tmp_path / "out"
    card = exported(folder, out, photo, task="panoptic")
    assert card["task"] == json.loads((out / "parity.json").read_text())["task"] == "panoptic"
    assert card["shapes"][0]["labels_equal"]["worst"] == 1
    assert card["shapes"][0]["mask_logits"]["largest"] < 1e-3
    assert [row["title"] for row in card["shapes"][0]["contenders"]][-1] == "the library's network, fp32"
    assert 'told "the task is panoptic" for good' in (out / "README.md").read_text()
    # Those who run it elsewhere do not have the family's own idea of what the file leaves out.
    assert json.loads((out / "preprocessor_config.json").read_text())["size_divisor"] == 1
    predictor = load_exported(out)
    prediction = predictor(photo)
    assert prediction.task == "panoptic"
    with pytest.raises(SegdemoError, match=r"export --format torchscript --task semantic --out DIR"):
        predictor(photo, task="semantic")
    words = ["segment", tmp_path / "photo.png", "--model", out, "--out", tmp_path / "results"]
    assert CliRunner().invoke(make_app(), [str(word) for word in words]).exit_code == 0
    assert json.loads((tmp_path / "results" / "photo.segments.json").read_text())["model"]["task"] == "panoptic"
    pixels = predictor.preprocessing(photo, "checkpoint")[0][None]
    network = segdemo.load_predictor(folder, engine="torch", precision="fp32").engine
    told, other = (network(pixels, Request(False, task)).masks[-1][0] for task in ("panoptic", "semantic"))
    np.testing.assert_allclose(prediction.mask_logits(), told, atol=1e-4)
    assert np.abs(told - other).max() > 1e-2


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_upernet_hands_out_scores(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    folder, out = write_tiny_upernet(tmp_path / "checkpoint"), tmp_path / "out"
    card = exported(folder, out, photo)
    assert card["outputs"] == ["logits"]
    assert card["queries"] == 0
    assert card["shapes"][0]["labels_equal"]["worst"] == 1
    assert card["shapes"][0]["logits"]["largest"] < 1e-3
    assert "Output `logits` (1, 7, H / 4, W / 4)" in (out / "README.md").read_text()
    own = segdemo.load_predictor(folder, engine="torch", precision="fp32")
    expected, found = segdemo.semantic(own(photo)).labels, segdemo.semantic(load_exported(out)(photo)).labels
    assert len(np.unique(expected)) > 2
    assert (found == expected).mean() > 0.9999


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_an_eomt_goes_on_padding(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    folder, out = write_tiny_eomt(tmp_path / "checkpoint", split=False), tmp_path / "out"
    card = exported(folder, out, photo)
    assert card["padded"]
    assert card["shapes"][0]["labels_equal"]["worst"] == 1
    assert "padded with black at the right or the bottom to the graph's size" in (out / "README.md").read_text()
    own = segdemo.load_predictor(folder, engine="torch", precision="fp32")(photo)
    found = load_exported(out)(photo)
    assert found.input_size == own.input_size == (64, 64)
    assert found.content_size == own.content_size != (64, 64)
    np.testing.assert_allclose(found.mask_logits(), own.mask_logits(), atol=1e-3)
    np.testing.assert_allclose(found.class_logits(), own.class_logits(), atol=1e-3)
    assert np.ptp(own.mask_logits()) > 1
    with pytest.raises(SegdemoError, match="--endpoint stretches photographs"):
        elsewhere.endpoint(checkpoints.find(folder), "onnx")


def test_a_task_is_for_those_who_are_told_one(tiny_checkpoint: Path, tmp_path: Path) -> None:
    order = Order(checkpoints.find(tiny_checkpoint), "onnx", "fp32", tmp_path / "out", task="panoptic")
    with pytest.raises(SegdemoError, match="A Mask2Former checkpoint is not told a task: leave --task panoptic out"):
        export(order, lambda line: None)
    assert not (tmp_path / "out").exists()
