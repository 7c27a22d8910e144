"""Every format and precision of a tiny checkpoint, beside the library's own network: the reference for all of them."""

import subprocess
import sys
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
from segdemo.export.onnx import quantise_onnx, write_onnx
from segdemo.export.openvino import convert_onnx
from segdemo.export.parity import Comparison, examples
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.runtimes import Graph, load_graph
from segdemo.model.weights import load_library_model

pytestmark = pytest.mark.slow
for needed in ("onnx", "onnxruntime", "onnxscript", "openvino"):
    pytest.importorskip(needed, reason='exports are an extra: pip install -e ".[export]"')

SIZE = (64, 96)


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


def check(checkpoint: Path, format: str, file: Path, *, least: float, largest: float = np.inf) -> None:
    """The graph answers as the library does, and refuses other sizes: a trace would answer wrongly there."""
    graph = load_graph(format, file)
    comparison = compared(checkpoint, graph, stretched(checkpoint, SIZE, 4))
    assert comparison.mean >= least
    assert comparison.classes.result().largest <= largest
    assert comparison.masks.result().largest <= largest
    for other in ((64, 64), (96, 96)):
        with pytest.raises(SegdemoError, match=f"does not run on an input of {other[0]} x {other[1]}"):
            graph(np.zeros((1, 3, *other), np.float32))


@pytest.mark.parametrize(
    ("format", "precision", "least", "largest"),
    [
        ("openvino", "fp32", 1.0, 1e-3),
        ("torchscript", "fp32", 1.0, 1e-3),
        ("torchscript", "fp16", 0.95, np.inf),
        ("torchscript", "int8", 0.9, np.inf),
    ],
)
def test_a_trace_answers_as_the_library(
    tiny_checkpoint: Path, tmp_path: Path, format: str, precision: str, least: float, largest: float
) -> None:
    file = tmp_path / {"openvino": "model.xml", "torchscript": "model.torchscript"}[format]
    made = make_files(tiny_checkpoint, format, precision, SIZE, file, tmp_path)
    assert made.bytes == sum(part.stat().st_size for part in tmp_path.iterdir())
    check(tiny_checkpoint, format, file, least=least, largest=largest)


def test_onnx_answers_as_the_library_also_in_8_bits_and_in_openvino(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """One graph, since following a network takes long: as it is, quantised, and both read by OpenVINO."""
    plain, quantised = tmp_path / "plain.onnx", tmp_path / "quantised.onnx"
    nodes = write_onnx(portable(tiny_checkpoint), SIZE, plain)
    check(tiny_checkpoint, "onnx", plain, least=1.0, largest=1e-3)
    # Two blocks with four linear layers each: what is late in this backbone.
    assert len(nodes) == 8
    quantise_onnx(plain, quantised, nodes, stretched(tiny_checkpoint, SIZE, 2))
    check(tiny_checkpoint, "onnx", quantised, least=0.9)
    for source in (plain, quantised):
        convert_onnx(source, source.with_suffix(".xml"))
        check(tiny_checkpoint, "openvino", source.with_suffix(".xml"), least=1.0 if source == plain else 0.9)


@pytest.mark.timeout(900)
def test_the_embedded_checkpoint_as_onnx_answers_as_the_library(tmp_path: Path) -> None:
    import onnx

    folder, size, file = checkpoints.EMBEDDED_FOLDER, (128, 160), tmp_path / "model.onnx"
    # In a process of its own: the exporter is Python throughout, and measuring coverage triples its minutes.
    code = (
        "import sys; from pathlib import Path; from segdemo.export.make import make_files;"
        f"make_files(Path(sys.argv[1]), 'onnx', 'fp32', {size}, Path(sys.argv[2]), Path(sys.argv[2]).parent)"
    )
    subprocess.run([sys.executable, "-c", code, folder, file], check=True)
    comparison = compared(folder, load_graph("onnx", file), stretched(folder, size, 4))
    assert comparison.mean >= 0.9999
    assert comparison.masks.result().mean < 1e-3
    model = onnx.load(file)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert [value.name for value in model.graph.input] == ["pixel_values"]
    assert [value.name for value in model.graph.output] == ["class_queries_logits", "masks_queries_logits"]
    # Nothing in the file tells where it was made.
    assert str(Path(__file__).parents[2]).encode() not in file.read_bytes()
