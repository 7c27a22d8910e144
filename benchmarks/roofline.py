"""What our network computes, how fast this machine multiplies matrices, and so what no engine can beat."""

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_SIDE = 2048
"""Rows and columns of the matrices that tell the machine's rate."""


class Roofline:
    """The least time that a network's products can take, at the rates the machine has while it is measured.

    A rate differs by a third between minutes on a shared machine, so ``measure`` is meant to be called again and again
    between what is compared with the bounds.
    """

    def __init__(self, checkpoint: str, size: tuple[int, int]) -> None:
        """Count the operations of a checkpoint's network at an input of ``size``, (height, width)."""
        import torch

        from segdemo.model.fast.quantized import has_quantized_products
        from segdemo.model.networks import load_network

        self.size = size
        self.all, self.reduced = _operations(load_network(Path(checkpoint)), size)
        left, right = torch.randn(_SIDE, _SIDE), torch.randn(_SIDE, _SIDE)
        blocked = left.to_mkldnn(), right.to_mkldnn()
        small = left.bfloat16(), right.bfloat16()
        linear = torch.nn.functional.linear
        self._products: dict[str, list[Callable[[], Any]]] = {
            "fp32": [lambda: left @ right, lambda: linear(*blocked)],
            "bf16": [lambda: linear(*small)],
        }
        if has_quantized_products():
            self._products["int8"] = [_product_in_8_bits()]
        self._rates: dict[str, list[float]] = {precision: [] for precision in self._products}

    def measure(self) -> None:
        """Note the machine's rates now: of each precision's ways to multiply, the best of a few tries."""
        import torch

        with torch.inference_mode():
            for precision, ways in self._products.items():
                self._rates[precision].append(max(_rate(way) for way in ways))

    def bound(self, precision: str) -> float:
        """Seconds that the products take in a precision at the median of the measured rates."""
        full, own = (statistics.median(self._rates[name]) for name in ("fp32", precision))
        return (self.all - self.reduced) / full + self.reduced / own

    def text(self, pipeline: float) -> str:
        """Return a paragraph on the bounds, beside the seconds that the library's pipeline took."""
        import torch

        rates = ", ".join(
            f"{statistics.median(found) / 1e9:.0f} GFLOP/s in {precision}" for precision, found in self._rates.items()
        )
        bounds = ", ".join(
            f"{self.bound(precision):.1f} s in {precision} ({pipeline / self.bound(precision):.1f} times the "
            "pipeline's speed)"
            for precision in self._rates
        )
        return (
            f"At {self.size[0]} x {self.size[1]} the network's matrix products, convolutions and attention are "
            f"{self.all / 1e9:.0f} GFLOP, {self.reduced / 1e9:.0f} of them in layers that `bf16` and `int8` reduce. "
            f"Between the passes of this run {torch.get_num_threads()} threads multiplied matrices of {_SIDE} at "
            f"{rates}, in the median. At those rates the products alone take {bounds}."
        )


def _product_in_8_bits() -> Callable[[], Any]:
    """Return a function that multiplies whole numbers by weights in 8 bits."""
    import torch

    from segdemo.model.fast.linear import Linear
    from segdemo.model.fast.quantized import QuantizedLinear

    layer = QuantizedLinear(Linear(torch.nn.Linear(_SIDE, _SIDE, bias=False)))
    x = torch.randint(1, 255, (_SIDE, _SIDE), dtype=torch.uint8)
    return lambda: layer.product(x)


def _operations(network: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Floating-point operations of a pass without capture: all, and those of the layers that are reduced."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    from segdemo.model.capture import Request

    def attention(query: Any, key: Any, value: Any, *args: Any, **options: Any) -> int:
        return int(sdpa_flop_count(query, key, value))

    def product(x: Any, weight: Any, *args: Any, **options: Any) -> int:
        return int(2 * np.prod(x) * weight[0])

    kernels = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention,
        torch.ops.mkldnn._linear_pointwise: product,
    }
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=kernels) as counter:
        network.run(torch.zeros(1, 3, *size), Request(capture=False))
    reduced = [
        sum(counts.values())
        for module, counts in counter.get_flop_counts().items()
        if re.search(r"\.stages\.[23]\.blocks\.\d+\.(qkv|out|fc1|fc2)$", module)
    ]
    return counter.get_total_flops(), sum(reduced)


def _rate(multiply: Callable[[], Any]) -> float:
    """Operations a second of a product of two square matrices, the best of three: what the processor can do now."""
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        multiply()
        rates.append(2 * _SIDE**3 / (time.perf_counter() - start))
    return max(rates)
