"""Window attention in parts, on real places only, against attention over whole windows."""

from pathlib import Path

import pytest
import torch

from segdemo.model.fast import swin
from segdemo.model.fast.network import Network
from segdemo.model.fast.swin import SwinBlock, WindowLayout
from segdemo.model.weights import load_library_model


@pytest.fixture(scope="module")
def block(tiny_checkpoint: Path) -> SwinBlock:
    backbone = Network(load_library_model(tiny_checkpoint)).backbone
    return next(part for part in backbone.modules() if isinstance(part, SwinBlock))


@pytest.mark.parametrize("scores", [1, 2000, 1 << 19])
@pytest.mark.parametrize(
    ("height", "width", "shift", "groups"),
    [(8, 8, 0, 1), (8, 8, 2, 1), (9, 4, 0, 2), (5, 7, 0, 4), (5, 7, 2, 4), (3, 3, 2, 1), (10, 13, 2, 6), (1, 1, 0, 1)],
)
@torch.inference_mode()
def test_attention_in_parts_is_attention_over_whole_windows(
    block: SwinBlock, height: int, width: int, shift: int, groups: int, scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swin, "SCORES", scores)
    torch.manual_seed(0)
    channels = block.qkv.out_features // 3
    qkv = torch.randn(2, height * width + 1, 3 * channels)
    layout = WindowLayout(height, width, block.window, shift, qkv.device)
    places = torch.stack([rows[layout.into_windows] for rows in qkv])
    expected = block._windows(places, layout.mask)[:, layout.out_of_windows]
    assert len(layout.groups) == groups
    for rows, wanted in zip(qkv, expected, strict=True):
        found = torch.full((height * width, channels), torch.nan)
        block._attend(rows, layout, found)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
