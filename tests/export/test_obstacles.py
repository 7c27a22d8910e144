"""Operations that a format has nothing for are named in a sentence; weights that are too many lie beside the graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segdemo.errors import SegdemoError
from segdemo.export.network import Portable


class Eigenvalues(Portable):
    """Asks for what no portable format has."""

    def __init__(self) -> None:
        super().__init__(nn.Identity())

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        corner = pixel_values[0, :, :3, :3]
        return torch.linalg.eigvalsh(corner), corner


@pytest.mark.slow
def test_an_operation_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    from segdemo.export.onnx import write_onnx

    with pytest.raises(SegdemoError, match=r"ONNX has nothing for its operation aten.*eigh") as caught:
        write_onnx(Eigenvalues(), (32, 32), tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_operation_that_openvino_lacks_is_named(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    from segdemo.export.openvino import write_openvino

    with pytest.raises(SegdemoError, match=r"OpenVINO has nothing for its operation aten::.*eig"):
        write_openvino(Eigenvalues(), (32, 32), tmp_path / "model.xml")


def test_an_operation_of_an_onnx_file_that_openvino_lacks_is_named(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("openvino")
    from segdemo.export.openvino import convert_onnx

    pixels, answer = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 32, 32]) for name in ("in", "out")
    )
    node = onnx.helper.make_node("Frobnicate", ["in"], ["out"], domain="com.example")
    graph = onnx.helper.make_graph([node], "graph", [pixels], [answer])
    opsets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("com.example", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "model.onnx")
    with pytest.raises(SegdemoError) as caught:
        convert_onnx(tmp_path / "model.onnx", tmp_path / "model.xml")
    assert str(caught.value) == (
        "This network cannot be exported: OpenVINO has nothing for its operation com.example.Frobnicate."
    )


class Untraceable(Eigenvalues):
    """Fails while it is followed."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        raise RuntimeError("the queries are missing\nand so are their masks")


def test_what_cannot_be_traced_is_a_sentence(tmp_path: Path) -> None:
    from segdemo.export.torchscript import write_torchscript

    with pytest.raises(SegdemoError) as caught:
        write_torchscript(Untraceable(), (32, 32), tmp_path / "model.torchscript")
    assert str(caught.value) == "This network cannot be traced: the queries are missing"
    assert not list(tmp_path.iterdir())


class Convolution(Portable):
    """Masks by a convolution."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 12, 16, stride=4, padding=6))

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        masks = self.network(pixel_values)
        return masks.mean((2, 3)).view(1, 2, 6), masks


@pytest.mark.slow
def test_weights_that_are_too_many_for_one_file_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(needed)
    from segdemo.export import onnx as room
    from segdemo.export.make import belonging
    from segdemo.model.runtimes import load_graph

    monkeypatch.setattr(room, "LARGEST_FILE", 1000)
    network, plain, quantised = Convolution().eval(), tmp_path / "model.onnx", tmp_path / "quantised.onnx"
    pixels = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    room.write_onnx(network, (32, 32), plain)
    room.quantise_onnx(plain, quantised, [], [pixels])
    with torch.inference_mode():
        _, masks = network(torch.from_numpy(pixels))
    for file, slack in ((plain, 1e-5), (quantised, 0.1)):
        assert belonging(file) == [file, tmp_path / f"{file.name}.data"]
        np.testing.assert_allclose(load_graph("onnx", file)(pixels)[1], masks, atol=slack)
