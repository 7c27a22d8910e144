"""Graphs of networks without queries: read as folder, by the handler and by the runner, as the library reads them."""

import base64
import io
import json
import re
import runpy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import segdemo
from segdemo import checkpoints
from segdemo.cli import elsewhere
from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.export.endpoint import triton_config, write_endpoint
from segdemo.export.endpoint.handler import EndpointHandler
from segdemo.export.parity import Comparison
from segdemo.model.exported import load_exported
from segdemo.taxonomy import taxonomy_for
from tests.networks import LABELS, write_tiny_oneformer, write_tiny_upernet

SIDE = 96


class Scores(torch.nn.Module):
    """Logits of 7 classes by a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 7, 8, stride=4, padding=2, bias=False)
        self.convolution.weight.data = torch.randn(7, 3, 8, 8, generator=torch.Generator().manual_seed(0)) / 4

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.convolution(pixel_values)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_upernet(tmp_path_factory.mktemp("upernet"))


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export as an endpoint has it, with a graph that needs no conversion."""
    folder = tmp_path_factory.mktemp("scores")
    torch.jit.trace(Scores().eval(), torch.zeros(1, 3, SIDE, SIDE)).save(str(folder / "model.torchscript"))
    listed = [{"name": "model.torchscript", "height": SIDE, "width": SIDE}]
    (folder / "parity.json").write_text(json.dumps({"format": "torchscript", "precision": "fp32", "files": listed}))
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_bytes((checkpoint / name).read_bytes())
    found, taxonomy = checkpoints.find(checkpoint), taxonomy_for(checkpoints.labels(checkpoint))
    shapes = [(SIDE, SIDE)]
    write_endpoint(folder, found, taxonomy, format="torchscript", shapes=shapes, queries=0, tasks=("semantic",))
    return folder


def read_out(logits: torch.Tensor, size: tuple[int, int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Labels and their probabilities, by the library's steps: to the input, to the photo, the largest wins."""
    inside = F.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    chances, labels = F.interpolate(inside, size=size, mode="bilinear", align_corners=False).softmax(1).max(1)
    return labels[0].numpy(), chances[0].numpy()


def answer(folder: Path, photo: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    pixels = load_exported(folder).preprocessing(photo, "checkpoint")[0]
    with torch.inference_mode():
        return read_out(Scores().eval()(torch.from_numpy(pixels[None])), photo.shape[:2])


def test_a_folder_predicts_scores_alone(folder: Path, photo: npt.NDArray[np.uint8]) -> None:
    prediction = load_exported(folder)(photo)
    labels, chances = answer(folder, photo)
    found = segdemo.semantic(prediction)
    assert len(np.unique(labels)) > 3
    assert (found.labels == labels).mean() > 0.9999
    np.testing.assert_allclose(found.scores, chances, atol=1e-4)
    assert prediction.task == ""
    with pytest.raises(NotOfferedError, match="decides every pixel on its own"):
        segdemo.panoptic(prediction)
    with pytest.raises(NotOfferedError, match="run the checkpoint itself"):
        prediction.require("features")


def test_the_handler_answers_with_classes_alone(folder: Path, photo: npt.NDArray[np.uint8]) -> None:
    handler = EndpointHandler(path=str(folder))
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    found = handler({"inputs": stream.getvalue()})
    labels, chances = answer(folder, photo)
    ids = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["id_map"]))))
    assert (ids == labels).mean() > 0.9999
    for entry in found["segments"]["segments_info"]:
        assert entry["score"] == pytest.approx(chances[labels == entry["id"]].mean(), abs=1e-3)
    refused = handler({"inputs": stream.getvalue(), "parameters": {"task": "panoptic"}})
    assert refused == {"error": "This network was exported for the semantic task alone: ask for that."}


@pytest.mark.parametrize("least", [0.0, 0.5])
def test_the_runner_reads_scores(folder: Path, photo: npt.NDArray[np.uint8], least: float) -> None:
    pytest.importorskip("onnxruntime")
    runner = Path(__file__).parents[2] / "examples" / "run_onnx.py"
    assert len(runner.read_text(encoding="utf-8").splitlines()) < 120
    pixels = load_exported(folder).preprocessing(photo, "checkpoint")[0]
    with torch.inference_mode():
        logits = Scores().eval()(torch.from_numpy(pixels[None]))
    found = runpy.run_path(str(runner))["labels"]((logits.numpy(),), (SIDE, SIDE), photo.shape[:2], least)
    labels, chances = read_out(logits, photo.shape[:2])
    assert least == 0 or 0 < (chances < least).mean() < 1
    assert (found == np.where(chances < least, 255, labels)).mean() > 0.9995


def test_triton_is_told_of_scores() -> None:
    text = triton_config("torchscript", (512, 512), queries=0, classes=150)
    names = re.findall(r'name: "(\w+)"\s+data_type: TYPE_FP32\s+dims: \[ ([\d, ]+) \]', text)
    assert names == [("INPUT__0", "1, 3, 512, 512"), ("OUTPUT__0", "1, 150, 128, 128")]


def test_differences_of_scores_are_theirs() -> None:
    comparison = Comparison(LABELS, (SIDE, SIDE))
    logits = np.zeros((7, 2, 2), np.float32)
    logits[0, :, 0] = logits[1, :, 1] = 4
    other = logits.copy()
    other[2, :, 0] = 6
    comparison.add("a", (2, 2), (logits,), (other,))
    values = comparison.values()
    assert values["labels_equal"]["mean"] == 0.5
    assert values["logits"] == {"largest": 6, "mean": 12 / 28, "magnitude": 16 / 28, "peak": 4}
    assert "class_logits" not in values


def test_the_web_page_says_what_it_cannot_show(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"decides every pixel on its own.* Give --format onnx"):
        elsewhere.web(checkpoints.find(checkpoint), None, False, None)
    told = checkpoints.find(write_tiny_oneformer(tmp_path))
    with pytest.raises(SegdemoError, match=r"OneFormer is told one of them for good.* Give --format onnx"):
        elsewhere.web(told, None, False, None)
    with pytest.raises(SegdemoError, match="answers with semantic or panoptic maps"):
        elsewhere.endpoint(told, "onnx", "instance")
