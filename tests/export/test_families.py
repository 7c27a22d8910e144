"""Exports of the families beside Mask2Former: each graph beside the library's own network and inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export.make import make_files
from segdemo.export.network import portable
from segdemo.export.parity import Answer, Comparison, examples
from segdemo.model.exported import FittingSizes
from segdemo.model.families import family_of
from segdemo.model.runtimes import Graph, load_graph
from segdemo.model.weights import load_library_model
from segdemo.prediction import Size
from tests.networks import write_tiny_eomt, write_tiny_maskformer, write_tiny_oneformer, write_tiny_upernet

pytestmark = pytest.mark.slow
for needed in ("onnx", "onnxruntime", "onnxscript", "openvino"):
    pytest.importorskip(needed, reason='exports are an extra: pip install -e ".[export]"')

ENDINGS = {"onnx": "onnx", "openvino": "xml", "torchscript": "torchscript"}


@dataclass(frozen=True)
class Reference:
    """A checkpoint, and the library's network on it."""

    folder: Path
    run: Callable[[torch.Tensor], Answer]
    task: str | None = None
    size: Size = (64, 96)


def maskformer(folder: Path, backbone: str = "swin") -> Reference:
    write_tiny_maskformer(folder, backbone)
    return Reference(folder, queried(load_library_model(folder, "MaskFormerForInstanceSegmentation")))


def oneformer(folder: Path) -> Reference:
    """Told to do panoptic segmentation, in CLIP's tokens (github.com/openai/CLIP, ``bpe_simple_vocab_16e6``)."""
    write_tiny_oneformer(folder)
    words = torch.zeros(1, 77)
    words[0, :7] = torch.tensor([49406.0, 518, 10549, 533, 1072, 24755, 49407])
    network = load_library_model(folder, "OneFormerForUniversalSegmentation")
    return Reference(folder, queried(network, task_inputs=words), "panoptic")


def upernet(folder: Path, backbone: str = "convnext") -> Reference:
    """The library hands out its logits at the input's size."""
    write_tiny_upernet(folder, backbone)
    network: Any = load_library_model(folder, "UperNetForSemanticSegmentation")
    return Reference(folder, lambda pixels: (network(pixel_values=pixels).logits[0].numpy(),))


def eomt(folder: Path) -> Reference:
    """That pads every photograph to a square of 64 pixels."""
    write_tiny_eomt(folder, split=False)
    return Reference(folder, queried(load_library_model(folder, "EomtForUniversalSegmentation")), size=(64, 64))


def queried(network: Any, **told: torch.Tensor) -> Callable[[torch.Tensor], Answer]:
    def run(pixels: torch.Tensor) -> Answer:
        found = network(pixel_values=pixels, **told)
        return found.class_queries_logits[0].numpy(), found.masks_queries_logits[0].numpy()

    return run


def check(reference: Reference, graph: Graph, *, least: float, largest: float = np.inf) -> None:
    """The graph answers as the library does on photographs, and refuses other sizes."""
    size = reference.size
    fitting = FittingSizes(family_of(reference.folder).preprocessing(reference.folder), [size])
    comparison = Comparison(checkpoints.labels(reference.folder), size)
    for picture in examples(3):
        pixels = fitting.stretched(picture.load(), size)[None]
        with torch.inference_mode():
            expected = reference.run(torch.from_numpy(pixels))
        answer = tuple(part[0] for part in graph(pixels))
        if len(answer) == 1:
            assert answer[0].shape == (7, size[0] // 4, size[1] // 4)
            answer = (at_the_input(answer[0], size),)
        comparison.add(picture.name, size, expected, answer)
    assert comparison.mean >= least
    assert max(tally.largest for tally in (comparison.classes, comparison.masks, comparison.scores)) <= largest
    with pytest.raises(SegdemoError, match="does not run on an input of 96 x 64"):
        graph(np.zeros((1, 3, 96, 64), np.float32))


def at_the_input(logits: npt.NDArray[np.float32], size: Size) -> npt.NDArray[np.float32]:
    found = torch.nn.functional.interpolate(torch.from_numpy(logits)[None], size=size, mode="bilinear")
    return found[0].numpy()


def converted(reference: Reference, format: str, precision: str, folder: Path) -> Graph:
    file = folder / f"model.{ENDINGS[format]}"
    make_files(reference.folder, format, precision, reference.size, file, folder, task=reference.task)
    return load_graph(format, file)


def small_maskformer(folder: Path) -> Reference:
    return maskformer(folder, "resnet")


# TorchScript of the others is in ``test_family_folders``.
@pytest.mark.parametrize(
    ("write", "format"),
    [
        (small_maskformer, "openvino"),
        (small_maskformer, "torchscript"),
        (oneformer, "openvino"),
        (upernet, "openvino"),
        (eomt, "openvino"),
    ],
)
def test_a_trace_answers_as_the_library(write: Callable[[Path], Reference], format: str, tmp_path: Path) -> None:
    reference = write(tmp_path / "checkpoint")
    check(reference, converted(reference, format, "fp32", tmp_path), least=1.0, largest=1e-3)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("write", "precision", "least", "largest"),
    [
        (small_maskformer, "fp32", 1.0, 1e-3),
        (small_maskformer, "fp16", 0.99, 0.1),
        (lambda folder: upernet(folder, "swin"), "fp32", 1.0, 1e-3),
    ],
    ids=["maskformer", "maskformer-fp16", "upernet"],
)
def test_onnx_answers_as_the_library(
    write: Callable[[Path], Reference], precision: str, least: float, largest: float, tmp_path: Path
) -> None:
    reference = write(tmp_path / "checkpoint")
    check(reference, converted(reference, "onnx", precision, tmp_path), least=least, largest=largest)


def test_photographs_that_become_several_squares_have_no_graph(tmp_path: Path) -> None:
    folder = write_tiny_eomt(tmp_path / "checkpoint")
    with pytest.raises(SegdemoError, match=r"overlapping squares.* Run the checkpoint itself"):
        FittingSizes(family_of(folder).preprocessing(folder), [(64, 64)])
    folder = write_tiny_eomt(tmp_path / "padded", split=False)
    with pytest.raises(SegdemoError, match=r"one input size.* give --shape 64x64"):
        FittingSizes(family_of(folder).preprocessing(folder), [(64, 96)])


def test_8_bits_are_for_swin_backbones_of_any_family(tmp_path: Path) -> None:
    # Two blocks at strides 16 and 32, each with the products of attention and of two more layers.
    for write in (write_tiny_maskformer, write_tiny_oneformer):
        assert len(portable(write(tmp_path / write.__name__)).quantised()) == 2 * 6
    reference = upernet(tmp_path / "checkpoint", "swin")
    check(reference, converted(reference, "torchscript", "int8", tmp_path), least=0.9)
    with pytest.raises(SegdemoError, match="8 bits are for Swin and EfficientNet backbones"):
        converted(upernet(tmp_path / "convnext"), "torchscript", "int8", tmp_path)
