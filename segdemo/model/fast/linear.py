"""Linear layers for inference: several as one, activations within the product, weights laid out for the processor."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.fast.probes import PROBE_INPUTS, PROBE_OUTPUTS, PROBE_ROWS, waves, works

Activation = Literal["none", "relu", "gelu"]
Step = Callable[[str], None]
"""Told after each block which part of the network it is of; may raise ``CancelledError``."""

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
}
"""What a layer may end with; GELU by the error function."""
_ALGORITHMS = {"none": "", "relu": "", "gelu": "none"}
"""What oneDNN's activation is asked for: ``none`` is GELU by the error function, not the approximation by tanh."""
_ROWS = 2048
"""How many rows the layout of packed weights is chosen for; it serves others as well."""


class Linear(nn.Module):
    """``activation(x W^T + b)`` over the last axis of x (..., in), computed and returned in the type of W.

    Made of one linear layer or of several with the same inputs, whose outputs are then one after the other.
    """

    def __init__(self, *layers: nn.Linear, activation: Activation = "none") -> None:
        super().__init__()
        self.activation = activation
        self.in_features, self.out_features = layers[0].in_features, sum(layer.out_features for layer in layers)
        self.weight = _joined([layer.weight for layer in layers])
        biases = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = _joined(biases) if biases else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out) of ``x`` (..., in)."""
        x = x.to(self.weight.dtype)
        if self.weight.layout == torch.strided:
            return ACTIVATIONS[self.activation](F.linear(x, self.weight, self.bias))
        return _packed_product(x, self.weight, self.bias, self.activation)

    def pack(self) -> None:
        """Lay the weights out the way oneDNN multiplies them, once instead of in every product.

        The layer then runs on the processor only, and cannot be traced. Nothing happens where there are no such
        products in the weights' type.
        """
        if has_packed_products(self.weight.dtype) and self.weight.layout == torch.strided:
            self.weight = nn.Parameter(_packed_weight(self.weight.data), requires_grad=False)


class Rows:
    """Rows (B, N, C) that the same product is made with again and again; see ``__call__``."""

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows
        packable = eager_on_processor(rows) and rows.dtype == torch.float32 and has_packed_products(rows.dtype)
        self._packed = [_packed_weight(image) for image in rows] if packable else None

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x`` (B, Q, C) times the transposed rows, (B, Q, N)."""
        if self._packed is None:
            return x @ self._rows.transpose(1, 2)
        products = [_packed_product(x[index], rows, None, "none") for index, rows in enumerate(self._packed)]
        return torch.stack(products) if len(products) > 1 else products[0][None]


def pack(network: nn.Module) -> None:
    """Lay the weights of all ``Linear`` parts out for the processor; the network then runs there only, untraced.

    The other weights are copied, so that nothing holds on to the file that all of them were mapped from.
    """
    for part in network.modules():
        if isinstance(part, Linear):
            part.pack()
        # As read, buffers are views, which hold on to what they are views of whatever their numbers are.
        for name, values in part.named_buffers(recurse=False):
            setattr(part, name, values.clone())
    for parameter in network.parameters():
        if parameter.layout == torch.strided:
            parameter.data = parameter.data.clone()


def eager_on_processor(x: Tensor) -> bool:
    """Whether ``x`` is worked on here and now, so that ways to work matter: not traced, nor on a graphics card."""
    followed = torch.compiler.is_exporting() or torch._C._get_tracing_state() is not None
    return x.device.type == "cpu" and not followed


def as_maps(tokens: Tensor, height: Any, width: Any) -> Tensor:
    """Return tokens (B, h * w, C) as maps (B, C, h, w) without a copy: they lie in memory as channels-last maps do.

    Strides of a batch of one tell so only if the axes are moved last, and convolutions ask the strides.
    """
    return tokens.unflatten(1, (height, width)).permute(0, 3, 1, 2)


def as_tokens(maps: Tensor) -> Tensor:
    """Return maps (B, C, h, w) as tokens (B, h * w, C)."""
    return maps.flatten(2).transpose(1, 2)


@functools.cache
def has_products(dtype: torch.dtype) -> bool:
    """Whether PyTorch multiplies matrices of this type on the processor, and does so rightly."""
    x, weight, bias = _operands(dtype)
    return works(f"products in {_name(dtype)}", lambda: _near(F.linear(x, weight, bias), "none", dtype))


@functools.cache
def has_packed_products(dtype: torch.dtype) -> bool:
    """Whether PyTorch multiplies by packed weights of this type, with every activation, and does so rightly."""
    x, weight, bias = _operands(dtype)

    def attempt() -> bool:
        packed = _packed_weight(weight)
        return all(
            _near(_packed_product(x, packed, bias, activation), activation, dtype) for activation in ACTIVATIONS
        ) and _near(_packed_product(x, packed, None, "none") + bias, "none", dtype)

    return works(f"products by packed weights in {_name(dtype)}", attempt)


def _operands(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (rows, in), weights (out, in) and biases (out,) for a probe, whose products are around 1."""
    scaled = waves(PROBE_OUTPUTS, PROBE_INPUTS) * (2 / PROBE_INPUTS**0.5)
    return waves(PROBE_ROWS, PROBE_INPUTS).to(dtype), scaled.to(dtype), waves(1, PROBE_OUTPUTS)[0].to(dtype)


def _near(found: Tensor, activation: Activation, dtype: torch.dtype) -> bool:
    expected = ACTIVATIONS[activation](F.linear(*(part.float() for part in _operands(dtype))))
    slack = 1e-4 if dtype == torch.float32 else 0.05
    return found.dtype == dtype and torch.allclose(found.float(), expected, rtol=slack, atol=slack)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _packed_weight(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
    return packed


def _packed_product(x: Tensor, weight: Tensor, bias: Tensor | None, activation: Activation) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, activation, [], _ALGORITHMS[activation])
    return product


def _joined(parts: Sequence[Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.cat([part.detach() for part in parts]) if len(parts) > 1 else parts[0], False)
