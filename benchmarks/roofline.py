"""What our network computes, how fast this machine multiplies matrices, and so what no engine can beat."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def roofline(checkpoint: str, size: tuple[int, int]) -> list[str]:
    """Return a paragraph on a checkpoint's network at an input of ``size``, (height, width)."""
    import torch

    from segdemo.model.quantized import has_quantized_products
    from segdemo.model.weights import load_network

    everything, reduced = _operations(load_network(Path(checkpoint)), size)
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    blocked = left.to_mkldnn(), right.to_mkldnn()
    small = left.bfloat16(), right.bfloat16()
    with torch.inference_mode():
        full = max(_rate(lambda: left @ right), _rate(lambda: torch.nn.functional.linear(*blocked)))
        half = _rate(lambda: torch.nn.functional.linear(*small))
        quarter = _rate(_product_in_8_bits()) if has_quantized_products() else None
    said = (
        f"At {size[0]} x {size[1]} the network's matrix products, convolutions and attention are "
        f"{everything / 1e9:.0f} GFLOP, of them {reduced / 1e9:.0f} in the layers that `bf16` and `int8` reduce. "
        f"With {torch.get_num_threads()} threads matrices of 2048 are multiplied at {full / 1e9:.0f} GFLOP/s in "
        f"float32, by the faster of PyTorch's two libraries, and at {half / 1e9:.0f} GFLOP/s in bfloat16: at those "
        f"rates they take {everything / full:.1f} s in `fp32` and "
        f"{reduced / half + (everything - reduced) / full:.1f} s in `bf16`."
    )
    if quarter is not None:
        rest = (everything - reduced) / full
        said += f" In 8 bits it is {quarter / 1e9:.0f} GFLOP/s: {reduced / quarter + rest:.1f} s in `int8`."
    return [said]


def _product_in_8_bits() -> Callable[[], Any]:
    """Return a function that multiplies whole numbers (2048, 2048) by weights in 8 bits."""
    import torch

    from segdemo.model.linear import Linear
    from segdemo.model.quantized import QuantizedLinear

    layer = QuantizedLinear(Linear(torch.nn.Linear(2048, 2048, bias=False)))
    x = torch.randint(1, 255, (2048, 2048), dtype=torch.uint8)
    return lambda: layer.product(x)


def _operations(network: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Floating-point operations of a pass without capture: all, and those of the layers that are reduced."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *args: Any, **options: Any) -> int:
        return int(sdpa_flop_count(query, key, value))

    def product(x: Any, weight: Any, *args: Any, **options: Any) -> int:
        return int(2 * np.prod(x) * weight[0])

    kernels = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention,
        torch.ops.mkldnn._linear_pointwise: product,
    }
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=kernels) as counter:
        network(torch.zeros(1, 3, *size), capture=False)
    reduced = [
        sum(counts.values())
        for module, counts in counter.get_flop_counts().items()
        if re.search(r"\.stages\.[23]\.blocks\.\d+\.(qkv|out|fc1|fc2)$", module)
    ]
    return counter.get_total_flops(), sum(reduced)


def _rate(multiply: Callable[[], Any]) -> float:
    """Operations a second of a product of two matrices of 2048, the best of seven: what the processor can do."""
    rates = []
    for _ in range(7):
        start = time.perf_counter()
        multiply()
        rates.append(2 * 2048**3 / (time.perf_counter() - start))
    return max(rates)
