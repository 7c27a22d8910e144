"""Both ways to sample in deformable attention, beside the library's, with points within, on and beyond the borders."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segdemo.model.fast import pixel_decoder
from segdemo.model.fast.pixel_decoder import _by_grid, _by_rows

SHAPES = [(3, 5), (6, 9), (11, 18)]
HEADS, DEPTH, POINTS = 2, 4, 3


@pytest.mark.parametrize("sample", [_by_rows, _by_grid])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("spread", [0.2, 3.0, 1e4])
@torch.inference_mode()
def test_sampling_is_the_librarys(
    sample: Callable[..., Tensor], batch: int, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.mask2former.modeling_mask2former import multi_scale_deformable_attention

    monkeypatch.setattr(pixel_decoder, "_QUERIES", 100)
    torch.manual_seed(int(spread))
    count = sum(height * width for height, width in SHAPES)
    value = torch.randn(batch, count, HEADS, DEPTH)
    weights = torch.rand(batch, count, HEADS, len(SHAPES), POINTS)
    sizes = torch.tensor([(width, height) for height, width in SHAPES])
    relative = 0.5 + spread * torch.randn(batch, count, HEADS, len(SHAPES), POINTS, 2)
    places = relative * sizes[:, None] - 0.5
    # On pixels, on the last ones, half a pixel out, and on the first places that count for nothing.
    for index, (height, width) in enumerate(SHAPES):
        edges = torch.tensor(
            [(0, 0), (width - 1, height - 1), (-0.5, 2), (1, height - 0.5), (-1, -1), (width, height), (width, 0)]
        )
        places[:, : len(edges), :, index] = edges[None, :, None, None].float()
    relative = (places + 0.5) / sizes[:, None]
    expected = multi_scale_deformable_attention(value, SHAPES, relative, weights)
    torch.testing.assert_close(sample(value, places, weights, SHAPES), expected, rtol=1e-4, atol=2e-4)
