"""A checkpoint's network as it is exported: pixels in, the last layer's classes and masks out, in one precision.

This project's network is exported where it computes the checkpoint, since ONNX Runtime is a quarter faster on it than
on the library's, which is what is exported else. Float16 is all of the network's arithmetic but for the sampling
places of the deformable attention, which half precision would move by a twentieth of a pixel; what goes in and comes
out stays float32. In 8 bits are the products of the backbone's last two stages, as in ``--precision int8``: attention
is masked by a threshold, so what masks hang on stays in float.
"""

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError
from segdemo.model.capture import Steps
from segdemo.model.fast.convolutional import ConvolutionalBackbone
from segdemo.model.fast.linear import ACTIVATIONS, Linear
from segdemo.model.fast.network import Network
from segdemo.model.fast.quantized import quantized_weight
from segdemo.model.weights import load_library_model


class Portable(nn.Module):
    """A network from pixels (B, 3, H, W) to class logits (B, Q, C + 1) and mask logits (B, Q, H / 4, W / 4)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.dtype = torch.float32

    @property
    def ours(self) -> bool:
        """Whether it is this project's network, or the library's."""
        return isinstance(self.network, Network)

    def halve(self) -> None:
        """Compute in float16 from now on, with weights in it."""
        self.network.half()
        self.dtype = torch.float16

    def quantise(self) -> None:
        """Compute the products that ``quantised`` names in 8 bits from now on, scaled token by token."""
        for name in self.quantised():
            parent, _, leaf = name.rpartition(".")
            part = self.get_submodule(name)
            self.get_submodule(parent).add_module(leaf, Quantised(cast("Linear | nn.Linear | nn.Conv2d", part)))

    def quantised(self) -> list[str]:
        """Names of the modules that 8 bits are for: linear layers or 1 x 1 convolutions late in the backbone."""
        found = []
        for prefix in self.late():
            for name, part in self.get_submodule(prefix).named_modules(prefix=prefix):
                pointwise = isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1) and part.groups == 1
                if pointwise or isinstance(part, Linear | nn.Linear):
                    found.append(name)
        return found

    def late(self) -> list[str]:
        """Names of the backbone's blocks at strides 16 and 32."""
        if not isinstance(self.network, Network):
            return [name for name, part in self.named_modules() if _late_in_library(name) and _is_block(part)]
        backbone = self.network.backbone
        if isinstance(backbone, ConvolutionalBackbone):
            _, end_of_stride_8, *_ = cast("Any", backbone.backbone).ends
            count = len(cast("Any", backbone.backbone).blocks)
            return [f"network.backbone.backbone.blocks.{index}" for index in range(end_of_stride_8 + 1, count)]
        return [
            f"network.backbone.stages.{stage}.blocks.{block}"
            for stage in range(len(backbone.stages))[-2:]
            for block in range(len(cast("Any", backbone.stages[stage]).blocks))
        ]

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Run normalised pixels float32 forward."""
        pixels = pixel_values.to(self.dtype)
        if isinstance(self.network, Network):
            found = self.network.layers(pixels, False, cast("Steps", _nothing))
            classes, masks = found.classes[-1], found.masks[-1]
        else:
            outputs = self.network(pixel_values=pixels)
            classes, masks = outputs.class_queries_logits, outputs.masks_queries_logits
        return classes.float(), masks.float()


def portable(folder: Path, *, accelerated: bool = True) -> Portable:
    """Return a checkpoint folder's network ready to be exported, in float32; a new object.

    Raises ``SegdemoError`` for a checkpoint whose answer is no set of queries with masks, which is what the exported
    graph hands out.
    """
    import transformers

    config = read_config(folder)
    architecture = (config.get("architectures") or ["Mask2FormerForUniversalSegmentation"])[0]
    if not hasattr(transformers, architecture):
        raise SegdemoError(
            f"{folder / 'config.json'} names the architecture {architecture!r}, which is not known here."
        )
    model = load_library_model(folder, architecture)
    if accelerated and config.get("model_type") == "mask2former" and Network.supports(model.config):
        return Portable(Network(model)).eval()
    if getattr(model, "main_input_name", "") != "pixel_values" or not hasattr(model, "class_predictor"):
        raise SegdemoError(
            f"{architecture} is not exported: its answer is not a class and a mask for each query, from pixels alone."
        )
    return Portable(model).eval()


class Quantised(nn.Module):
    """A linear layer or 1 x 1 convolution in 8 bits that can be traced: float32 in and out.

    Weights have a scale per output, inputs one per token, both symmetric; see ``segdemo.model.fast.quantized``.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, layer: Linear | nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.maps = isinstance(layer, nn.Conv2d)
        self.activation = layer.activation if isinstance(layer, Linear) else "none"
        scales, weight = quantized_weight(layer.weight.detach().flatten(1))
        self.register_buffer("weight", weight.T.contiguous())
        self.register_buffer("scales", scales)
        self.bias = layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out) of ``x`` (..., in), or maps (B, out, h, w) of maps (B, in, h, w)."""
        tokens = x.permute(0, 2, 3, 1) if self.maps else x
        rows = tokens.reshape(-1, self.weight.shape[0])
        scale = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
        product = torch._int_mm((rows / scale).round().to(torch.int8), self.weight)
        y = product.float() * scale * self.scales
        if self.bias is not None:
            y = y + self.bias
        y = ACTIVATIONS[self.activation](y).view(*tokens.shape[:-1], self.weight.shape[1])
        return y.permute(0, 3, 1, 2) if self.maps else y


def _nothing(part: str) -> None:
    """Nobody follows the pass."""


def _late_in_library(name: str) -> bool:
    return "encoder.swin.encoder.layers.2" in name or "encoder.swin.encoder.layers.3" in name


def _is_block(part: nn.Module) -> bool:
    return hasattr(part, "attention") and hasattr(part, "layernorm_before")
