"""Products in 8 bits are those of whole numbers, scaled, and close to the layer's own."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segdemo.model.fast import quantized
from segdemo.model.fast.linear import Activation, Linear
from segdemo.model.fast.probes import PROBE_INPUTS, PROBE_OUTPUTS
from segdemo.model.fast.quantized import QuantizedLinear, has_quantized_products, quantized_tokens, quantized_weight

computes = pytest.mark.skipif(not has_quantized_products(), reason="this processor does not multiply in 8 bits")


def test_tokens_by_hand() -> None:
    scales, whole = quantized_tokens(torch.tensor([[0.0, 127.0, -63.4, 0.6], [-2.54, 1.27, 0.0, 0.01], [0, 0, 0, 0]]))
    torch.testing.assert_close(scales[:2], torch.tensor([[1.0], [0.02]]))
    assert whole.dtype == torch.uint8
    assert (whole.int() - 128).tolist() == [[0, 127, -63, 1], [-127, 64, 0, 1], [0, 0, 0, 0]]


def test_weights_by_hand() -> None:
    scales, whole = quantized_weight(torch.tensor([[127.0, -63.4], [-0.5, 0.25], [0, 0]]))
    torch.testing.assert_close(scales[:2], torch.tensor([1.0, 0.5 / 127]))
    assert whole.dtype == torch.int8
    assert whole.tolist() == [[127, -63], [-127, 64], [0, 0]]


@computes
@pytest.mark.parametrize("activation", ["none", "relu", "gelu"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (1, 2500), (3, 5, 4)])
@torch.inference_mode()
def test_equals_whole_numbers_added_up_one_by_one(activation: Activation, bias: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = Linear(nn.Linear(40, 24, bias=bias), nn.Linear(40, 9, bias=bias), activation=activation)
    x = torch.randn(*shape, 40) * torch.logspace(-3, 3, shape[-1])[:, None]
    flat = x.reshape(-1, 40).double().numpy()
    weight = layer.weight.double().numpy()
    token_scales = np.abs(flat).max(axis=1, keepdims=True) / 127
    weight_scales = np.abs(weight).max(axis=1, keepdims=True) / 127
    # What lies within rounding of a half may fall to either side; float32 decides.
    tokens = quantized_tokens(x.reshape(-1, 40))[1].long().numpy() - 128
    assert np.abs(tokens - flat / token_scales).max() < 0.5 + 1e-4
    whole = tokens @ quantized_weight(layer.weight)[1].long().numpy().T
    expected = torch.from_numpy(whole * token_scales * weight_scales.T).float()
    if layer.bias is not None:
        expected = expected + layer.bias
    expected = {"none": lambda y: y, "relu": F.relu, "gelu": F.gelu}[activation](expected)
    found = QuantizedLinear(layer)(x)
    assert found.shape == (*shape, 33)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.view(-1, 33), expected, rtol=1e-4, atol=1e-4)


@computes
@torch.inference_mode()
def test_is_close_to_the_layer_whatever_the_other_tokens_are() -> None:
    torch.manual_seed(0)
    layer = Linear(nn.Linear(256, 64))
    ours = QuantizedLinear(layer)
    x = torch.randn(6, 256) * torch.tensor([1e-4, 1, 1, 1, 1, 1e4])[:, None]
    expected = layer(x)
    error = (ours(x) - expected).norm(dim=1) / (expected - (layer.bias if layer.bias is not None else 0)).norm(dim=1)
    assert float(error.max()) < 0.03
    torch.testing.assert_close(ours(x)[1:3], ours(x[1:3]))


@computes
@torch.inference_mode()
def test_half_precision_inputs_do() -> None:
    torch.manual_seed(0)
    ours = QuantizedLinear(Linear(nn.Linear(16, 8)))
    x = torch.randn(5, 16).bfloat16()
    torch.testing.assert_close(ours(x), ours(x.float()))


CAPABILITIES: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()


@pytest.mark.skipif(
    not any(CAPABILITIES.get(flag) for flag in ("avx512_vnni", "avx_vnni")),
    reason="this processor has no dot products of 8 bits, or does not tell",
)
def test_is_there_where_the_processor_can() -> None:
    assert has_quantized_products()


@pytest.mark.parametrize("fault", ["absent", "overflows"])
def test_is_not_offered_where_products_are_absent_or_wrong(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def product(x: torch.Tensor, weight: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor) -> torch.Tensor:
        if fault == "absent":
            raise NotImplementedError("no kernel")
        # Pairs added up in 16 bits, as processors without VNNI do it, and corrected for the zero afterwards.
        pairs = (x.int()[:, None] * plain.int()[None]).unflatten(2, (-1, 2)).sum(3).clamp(-(1 << 15), (1 << 15) - 1)
        return (pairs.sum(2) - 128 * plain.int().sum(1)).float()

    plain = torch.full((PROBE_OUTPUTS, PROBE_INPUTS), 127, dtype=torch.int8)
    plain[1::2] = -127
    monkeypatch.setattr(quantized, "_packed", lambda whole: whole)
    monkeypatch.setattr(quantized, "_product", product)
    has_quantized_products.cache_clear()
    try:
        assert not has_quantized_products()
    finally:
        has_quantized_products.cache_clear()
