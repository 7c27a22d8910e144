"""The accelerated network on an EfficientNet-lite backbone: equal to the library's, in what precisions, converted."""

from pathlib import Path

import numpy as np
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model import graph as graphs
from segdemo.model.backbones import EfficientNetLiteConfig
from segdemo.model.capture import Request
from segdemo.model.engines import make_engine
from segdemo.model.families.mask2former import LibraryNetwork, make_network
from segdemo.model.fast.network import Network
from segdemo.model.weights import load_library_model
from segdemo.settings import Settings
from tests.conftest import write_tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = EfficientNetLiteConfig("lite0", out_features=["stage1", "stage2", "stage3", "stage4"])
    return write_tiny_checkpoint(tmp_path_factory.mktemp("lite"), backbone_config=config)


@pytest.mark.parametrize("size", [(1, 64, 96), (2, 96, 32)])
def test_it_equals_the_librarys_network(checkpoint: Path, size: tuple[int, int, int]) -> None:
    pixels = torch.randn(size[0], 3, *size[1:], generator=torch.Generator().manual_seed(0))
    theirs = LibraryNetwork(load_library_model(checkpoint)).run(pixels)
    network = make_network(checkpoint)
    assert isinstance(network, Network)
    network.pack()
    shares: list[float] = []
    ours = network.run(pixels, Request(progress=shares.append))
    for kind in ("masks", "classes", "attentions"):
        for mine, reference in zip(getattr(ours, kind), getattr(theirs, kind), strict=True):
            np.testing.assert_allclose(mine, reference, rtol=2e-3, atol=2e-3)
    assert [maps.shape for maps in ours.stages.values()] == [maps.shape for maps in theirs.stages.values()]
    assert len(shares) > 16
    assert shares[-1] == 1


def test_bfloat16_stays_close_and_8_bits_are_refused(checkpoint: Path) -> None:
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    exact, reduced = (
        make_network(checkpoint, precision).run(pixels, Request(capture=False)) for precision in ("fp32", "bf16")
    )
    assert not np.array_equal(exact.masks[-1], reduced.masks[-1])
    np.testing.assert_allclose(reduced.masks[-1], exact.masks[-1], atol=0.1 * np.abs(exact.masks[-1]).max())
    with pytest.raises(SegdemoError, match=r"int8 cannot be had for this checkpoint .*: choose fp32"):
        make_engine(checkpoint, engine="torch", precision="int8")


@pytest.mark.slow
def test_it_is_converted(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="the engine is an extra")
    from segdemo.export.graphs import make_graph

    monkeypatch.setattr(graphs, "settings", lambda: Settings(cache_dir=tmp_path))
    found = make_graph(checkpoint, "fp32")
    assert min(entry.labels_agree for entry in found.parity) > 0.999
