"""Every format and precision of a tiny checkpoint, beside the library's own network: the reference for all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export.make import Made, make_files
from segdemo.export.parity import Comparison, examples
from segdemo.model.exported import Graph, load_graph
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model

pytestmark = pytest.mark.slow
for needed in ("onnx", "onnxruntime", "onnxscript", "openvino"):
    pytest.importorskip(needed, reason='exports are an extra: pip install -e ".[export]"')

SIZE = (64, 96)
EXTENSIONS = {"onnx": "onnx", "openvino": "xml", "torchscript": "torchscript"}


def stretched(folder: Path, size: tuple[int, int], count: int) -> list[npt.NDArray[np.float32]]:
    """Photographs as inputs (1, 3, H, W)."""
    from segdemo.model.exported import FittingSizes

    fitting = FittingSizes(Preprocessing.from_folder(folder), [size])
    return [fitting.stretched(picture.load(), size)[None] for picture in examples(count)]


def compared(folder: Path, graph: Graph, inputs: list[npt.NDArray[np.float32]]) -> Comparison:
    """The graph beside the library's network, at the size of the inputs."""
    network: Any = load_library_model(folder)
    size = (inputs[0].shape[2], inputs[0].shape[3])
    comparison = Comparison(checkpoints.labels(folder), size)
    for number, pixels in enumerate(inputs):
        with torch.inference_mode():
            expected = network(pixel_values=torch.from_numpy(pixels))
        answer = expected.class_queries_logits[0].numpy(), expected.masks_queries_logits[0].numpy()
        classes, masks = graph(pixels)
        comparison.add(str(number), size, answer, (classes[0], masks[0]))
    return comparison


def made(checkpoint: Path, folder: Path, format: str, precision: str) -> Made:
    file = folder / f"model.{EXTENSIONS[format]}"
    return make_files(checkpoint, format, precision, SIZE, file, folder, stretched(checkpoint, SIZE, 2))


@pytest.mark.parametrize(
    ("format", "precision", "least", "largest"),
    [
        ("onnx", "fp32", 1.0, 1e-3),
        ("openvino", "fp32", 1.0, 1e-3),
        ("torchscript", "fp32", 1.0, 1e-3),
        ("onnx", "int8", 0.9, np.inf),
        ("openvino", "fp16", 0.95, np.inf),
        ("torchscript", "fp16", 0.95, np.inf),
        ("torchscript", "int8", 0.9, np.inf),
    ],
)
def test_a_graph_answers_as_the_library(
    tiny_checkpoint: Path, tmp_path: Path, format: str, precision: str, least: float, largest: float
) -> None:
    found = made(tiny_checkpoint, tmp_path, format, precision)
    graph = load_graph(format, found.file)
    comparison = compared(tiny_checkpoint, graph, stretched(tiny_checkpoint, SIZE, 4))
    assert comparison.mean >= least
    assert comparison.classes.result().largest <= largest
    assert comparison.masks.result().largest <= largest
    assert found.bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    # A trace would answer wrongly at another size: each format has to refuse.
    for other in ((64, 64), (96, 96)):
        with pytest.raises(SegdemoError, match=f"does not run on an input of {other[0]} x {other[1]}"):
            graph(np.zeros((1, 3, *other), np.float32))


def test_the_embedded_checkpoint_as_onnx_answers_as_the_library(tmp_path: Path) -> None:
    import onnx

    folder, size = checkpoints.EMBEDDED_FOLDER, (128, 160)
    found = make_files(folder, "onnx", "fp32", size, tmp_path / "model.onnx", tmp_path)
    comparison = compared(folder, load_graph("onnx", found.file), stretched(folder, size, 4))
    assert comparison.mean >= 0.9999
    assert comparison.masks.result().mean < 1e-3
    model = onnx.load(found.file)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert [value.name for value in model.graph.input] == ["pixel_values"]
    assert [value.name for value in model.graph.output] == ["class_queries_logits", "masks_queries_logits"]
    # Nothing in the file tells where it was made.
    assert str(Path(__file__).parents[2]).encode() not in found.file.read_bytes()
