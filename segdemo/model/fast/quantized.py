"""Linear layers with weights and inputs in 8 bits: scales per output channel and, found anew in every pass, per token.

Symmetric for both (Dettmers et al., "LLM.int8()", NeurIPS 2022: "absmax", section 2.1, vector by vector, section 3.1,
without setting outliers apart): ``x W^T`` is near ``s_x s_w (q_x q_w^T)``, ``s = max |x| / 127``, ``q = round(x / s)``.
"""

import functools

import torch
from torch import Tensor, nn

from segdemo.model.fast.linear import Linear
from segdemo.model.fast.probes import PROBE_INPUTS, PROBE_OUTPUTS, PROBE_ROWS, works

_LEVELS = 127
"""Largest magnitude of a quantised number."""
_ZERO = 128
"""What stands for zero in an input: oneDNN's fast products take unsigned inputs and signed weights."""
_ROWS = 1024
"""Rows at a time: as many as keep the steps of a layer within the processor's cache."""
_TINY = 1e-12


class QuantizedLinear(nn.Module):
    """``Linear`` in 8 bits, on the processor only and not traceable: float32 in and out, added up without rounding.

    Where ``has_quantized_products()`` is false it must not be used.
    """

    scales: Tensor
    zeros: Tensor

    def __init__(self, layer: Linear) -> None:
        super().__init__()
        self.activation = layer.activation
        self.in_features, self.out_features = layer.in_features, layer.out_features
        scales, quantized = quantized_weight(layer.weight.data)
        self.weight = _packed(quantized)
        self.register_buffer("scales", scales, persistent=False)
        self.register_buffer("zeros", torch.zeros(self.out_features, dtype=torch.int64), persistent=False)
        self.bias = layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 (..., out) of ``x`` (..., in)."""
        rows = x.reshape(-1, self.in_features).float()
        y = rows.new_empty(len(rows), self.out_features)
        for part, into in zip(rows.split(_ROWS), y.split(_ROWS), strict=True):
            self._part(part, into)
        return y.view(*x.shape[:-1], self.out_features)

    def product(self, quantized: Tensor) -> Tensor:
        """Return float32 (N, out), still to be multiplied by the tokens' scales, of ``quantized_tokens`` (N, in)."""
        return _product(quantized, self.weight, self.scales, self.zeros)

    def _part(self, x: Tensor, into: Tensor) -> None:
        scales, quantized = quantized_tokens(x)
        product = self.product(quantized)
        y = product if self.activation == "gelu" else into
        if self.bias is None:
            torch.mul(product, scales, out=y)
        else:
            torch.addcmul(self.bias, product, scales, out=y)
        if self.activation == "gelu":
            torch.ops.aten.gelu.out(y, out=into)
        elif self.activation == "relu":
            y.relu_()


def quantized_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scales (out,) and whole numbers int8 (out, in), -127..127, of weights (out, in)."""
    scales = weight.float().abs().amax(1).clamp_min_(_TINY).div_(_LEVELS)
    return scales, (weight.float() / scales[:, None]).round_().to(torch.int8)


def quantized_tokens(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scales (N, 1) and whole numbers uint8 (N, C), 1..255 with 128 for zero, of tokens (N, C)."""
    scales = torch.maximum(x.amax(1, keepdim=True), x.amin(1, keepdim=True).neg_()).clamp_min_(_TINY).div_(_LEVELS)
    # To whole numbers by cutting off after half is added, which rounds, since all of them are positive.
    return scales, torch.mul(x, scales.reciprocal()).add_(_ZERO + 0.5).to(torch.uint8)


@functools.cache
def has_quantized_products() -> bool:
    """Whether this build of PyTorch multiplies in 8 bits on this processor, and adds up without overflow.

    Processors without dot products of 8 bits (VNNI) add pairs up in 16 bits, where large numbers are cut off. Says
    nothing of speed.
    """
    inputs = torch.full((PROBE_ROWS, PROBE_INPUTS), 2 * _ZERO - 1, dtype=torch.uint8)
    weight = torch.full((PROBE_OUTPUTS, PROBE_INPUTS), _LEVELS, dtype=torch.int8)
    inputs[::2], weight[1::2] = 1, -_LEVELS
    scales, zeros = torch.ones(PROBE_OUTPUTS), torch.zeros(PROBE_OUTPUTS, dtype=torch.int64)

    def attempt() -> bool:
        # All of these are whole numbers that float32 holds exactly.
        expected = (inputs.float() - _ZERO) @ weight.float().T
        return torch.equal(_product(inputs, _packed(weight), scales, zeros), expected)

    return works("products in 8 bits", attempt)


def _packed(quantized: Tensor) -> Tensor:
    packed: Tensor = torch.ops.onednn.qlinear_prepack(quantized, [_ROWS, quantized.shape[1]])
    return packed


def _product(x: Tensor, weight: Tensor, scales: Tensor, zeros: Tensor) -> Tensor:
    product: Tensor = torch.ops.onednn.qlinear_pointwise(
        x, 1.0, _ZERO, weight, scales, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return product
