"""Operations that a format has nothing for are named in a sentence."""

from pathlib import Path

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
