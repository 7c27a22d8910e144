"""Joined, activated and packed layers compute what PyTorch's own, one after the other, compute."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segdemo.model.fast import linear
from segdemo.model.fast.linear import Activation, Linear, has_packed_products


@pytest.fixture
def layers() -> list[nn.Linear]:
    torch.manual_seed(0)
    return [nn.Linear(40, width) for width in (24, 8, 33)]


@pytest.mark.parametrize("activation", ["none", "relu", "gelu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (1, 3000), (3, 5, 4)])
@torch.inference_mode()
def test_packed_or_not_is_the_layers_one_after_the_other(
    layers: list[nn.Linear], activation: Activation, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    x = torch.randn(*shape, 40)
    expected = torch.cat([layer(x) for layer in layers], dim=-1)
    expected = {"none": lambda y: y, "relu": F.relu, "gelu": F.gelu}[activation](expected)
    joined = Linear(*layers, activation=activation).to(dtype)
    plain = joined(x)
    joined.pack()
    packed = joined(x)
    assert plain.dtype == packed.dtype == dtype
    slack = 1e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(plain.float(), expected, rtol=slack, atol=slack)
    torch.testing.assert_close(packed.float(), expected, rtol=slack, atol=slack)


@torch.inference_mode()
def test_one_layer_without_a_bias() -> None:
    layer = nn.Linear(16, 5, bias=False)
    ours = Linear(layer)
    x = torch.randn(4, 16)
    torch.testing.assert_close(ours(x), layer(x))
    ours.pack()
    torch.testing.assert_close(ours(x), layer(x), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_without_packed_products_the_plain_ones_stay(layers: list[nn.Linear], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(weight: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError("no kernel")

    monkeypatch.setattr(linear, "_packed_weight", absent)
    has_packed_products.cache_clear()
    try:
        assert not has_packed_products(torch.float32)
        layer = Linear(layers[0])
        layer.pack()
        assert layer.weight.data_ptr() == layers[0].weight.data_ptr()
        x = torch.randn(2, 40)
        torch.testing.assert_close(layer(x), layers[0](x))
    finally:
        has_packed_products.cache_clear()
