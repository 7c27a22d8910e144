"""The EfficientNet-lite backbone: shapes, the published network, and the library's loading."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from segdemo.model.backbones import EfficientNetLiteBackbone, EfficientNetLiteConfig
from segdemo.model.backbones.efficientnet_lite import IMAGENET_MEAN, IMAGENET_STD
from segdemo.training.imagenet import renamed
from tests.conftest import write_tiny_checkpoint

STAGES = ["stage1", "stage2", "stage3", "stage4"]
CONFIG = EfficientNetLiteConfig("lite0", out_features=STAGES)


def backbone(variant: str = "lite0") -> EfficientNetLiteBackbone:
    return EfficientNetLiteBackbone(EfficientNetLiteConfig(variant, out_features=STAGES)).eval()


@pytest.mark.parametrize(
    ("variant", "channels", "blocks"), [("lite0", [24, 40, 112, 320], 16), ("lite2", [24, 48, 120, 352], 21)]
)
def test_features_have_the_published_widths_at_strides_4_to_32(variant: str, channels: list[int], blocks: int) -> None:
    network = backbone(variant)
    with torch.inference_mode():
        maps = network(torch.zeros(1, 3, 64, 96)).feature_maps
    assert [tuple(found.shape) for found in maps] == [
        (1, width, 64 // stride, 96 // stride) for width, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]
    assert network.channels == channels
    assert len(network.blocks) == blocks


def test_statistics_stay_in_training() -> None:
    network = backbone().train()
    before = {name: value.clone() for name, value in network.state_dict().items() if "running" in name}
    network(torch.randn(2, 3, 64, 64))
    assert network.training
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize(("variant", "size"), [("lite0", (64, 96)), ("lite2", (96, 64)), ("lite2", (75, 130))])
def test_features_equal_the_published_network(variant: str, size: tuple[int, int]) -> None:
    """The package ``efficientnet-lite-pytorch`` is another implementation; random weights tell as well as its own."""
    published = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra 'backbone-weights'")
    torch.manual_seed(0)
    theirs = published.EfficientNet.from_name(f"efficientnet-{variant}").eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    own = backbone(variant)
    own.load_state_dict(renamed(theirs.state_dict()))
    pixels = torch.rand(1, 3, *size)
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        hidden = theirs._swish(theirs._bn0(theirs._conv_stem((pixels - 0.498) / 0.502)))
        for block in theirs._blocks:
            hidden = block(hidden)
        found = own((pixels - mean) / std).feature_maps[-1]
    torch.testing.assert_close(found, hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_library_loads_it_wherever_segdemo_was_imported(tmp_path: Path) -> None:
    folder = write_tiny_checkpoint(tmp_path / "lite", backbone_config=CONFIG)
    code = f"""
import segdemo, sys
assert "transformers" not in sys.modules
from transformers import Mask2FormerForUniversalSegmentation
network = Mask2FormerForUniversalSegmentation.from_pretrained({str(folder)!r})
print(type(network.model.pixel_level_module.encoder).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "EfficientNetLiteBackbone"


def test_the_page_runs_it_with_everything_captured(tmp_path: Path, photo: Any) -> None:
    from segdemo.model.predictor import load_predictor

    folder = write_tiny_checkpoint(tmp_path / "lite", backbone_config=CONFIG)
    shares: list[float] = []
    prediction = load_predictor(folder, engine="torch")(photo, progress=shares.append)
    assert prediction.num_layers == 5
    assert prediction.attention(4, query=3, head=1).sum() == pytest.approx(1, abs=1e-3)
    assert shares == sorted(shares)
    assert len(shares) > 16
