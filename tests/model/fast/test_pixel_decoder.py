"""Both ways to sample in deformable attention, beside the library's, with points within, on and beyond the borders."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from segdemo.model.fast import pixel_decoder
from segdemo.model.fast.pixel_decoder import ExactGroupNorm, _by_grid, _by_rows

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


@torch.inference_mode()
def test_a_uniform_picture_is_normalised_as_exactly_as_any_other() -> None:
    """The expected values are computed in double precision; channels-last maps alone are a ten-thousandth off."""
    torch.manual_seed(0)
    norm = torch.nn.GroupNorm(32, 96)
    maps = (3 * torch.randn(1, 96, 1, 1)).expand(1, 96, 40, 52).contiguous(memory_format=torch.channels_last)
    expected = torch.nn.functional.group_norm(maps.double(), 32, eps=norm.eps).float()
    found = ExactGroupNorm(norm)(maps)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found - expected).abs().max() < 5e-6
