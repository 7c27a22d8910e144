"""Linear layers for inference: several as one, activations within the product, weights laid out for the processor."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Literal["none", "relu", "gelu"]

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
}
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
            return _ACTIVATIONS[self.activation](F.linear(x, self.weight, self.bias))
        return _packed_product(x, self.weight, self.bias, self.activation)

    def pack(self) -> None:
        """Lay the weights out the way oneDNN multiplies them, once instead of in every product.

        The layer then runs on the processor only, and cannot be traced. Nothing happens where PyTorch came without
        oneDNN.
        """
        if has_packed_products() and self.weight.layout == torch.strided:
            self.weight = nn.Parameter(_packed_weight(self.weight.data), requires_grad=False)


class Rows:
    """Rows (B, N, C) that the same product is made with again and again; see ``__call__``."""

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows
        packable = eager_on_processor(rows) and rows.dtype == torch.float32 and has_packed_products()
        self._packed = [_packed_weight(image) for image in rows] if packable else None

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x`` (B, Q, C) times the transposed rows, (B, Q, N)."""
        if self._packed is None:
            return x @ self._rows.transpose(1, 2)
        products = [_packed_product(x[index], rows, None, "none") for index, rows in enumerate(self._packed)]
        return torch.stack(products) if len(products) > 1 else products[0][None]


def eager_on_processor(x: Tensor) -> bool:
    """Whether ``x`` is worked on here and now, not traced, and not on a graphics card, so that ways to work matter."""
    return x.device.type == "cpu" and torch._C._get_tracing_state() is None


def as_maps(tokens: Tensor, height: Any, width: Any) -> Tensor:
    """Return tokens (B, h * w, C) as maps (B, C, h, w) without a copy: they lie in memory as channels-last maps do.

    Strides of a batch of one tell so only if the axes are moved last, and convolutions ask the strides.
    """
    return tokens.unflatten(1, (height, width)).permute(0, 3, 1, 2)


def as_tokens(maps: Tensor) -> Tensor:
    """Return maps (B, C, h, w) as tokens (B, h * w, C)."""
    return maps.flatten(2).transpose(1, 2)


@functools.cache
def has_packed_products() -> bool:
    """Whether this build of PyTorch multiplies by packed weights, and does so rightly."""
    x, weight, bias = torch.linspace(-1, 1, 24).view(3, 8), torch.linspace(-1, 1, 32).view(4, 8), torch.arange(4.0)
    try:
        found = _packed_product(x, _packed_weight(weight), bias, "gelu")
    except (AttributeError, NotImplementedError, RuntimeError):
        return False
    return torch.allclose(found, F.gelu(F.linear(x, weight, bias)), rtol=1e-4, atol=1e-4)


def _packed_weight(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
    return packed


def _packed_product(x: Tensor, weight: Tensor, bias: Tensor | None, activation: Activation) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, activation, [], _ALGORITHMS[activation])
    return product


def _joined(parts: Sequence[Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.cat([part.detach() for part in parts]) if len(parts) > 1 else parts[0], False)
