"""A checkpoint's network as it is exported: pixels in, its last answer out, in one precision.

The answer is a class and a mask for each query, or, of a network without queries, its scores for each cell. What a
OneFormer is told to do is computed once and becomes a constant of the graph.

This project's network is exported where it computes the checkpoint, since ONNX Runtime is a quarter faster on it than
on the library's, which is what is exported else. Float16 is all of the network's arithmetic but for the sampling
places of the deformable attention, which half precision would move by a twentieth of a pixel; what goes in and comes
out stays float32. In 8 bits are the products of the backbone's last two stages, as in ``--precision int8``: attention
is masked by a threshold, so what masks hang on stays in float.
"""

import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError
from segdemo.model.capture import Steps
from segdemo.model.families.oneformer import task_tokens
from segdemo.model.fast.convolutional import ConvolutionalBackbone
from segdemo.model.fast.linear import ACTIVATIONS, Linear
from segdemo.model.fast.network import Network
from segdemo.model.fast.quantized import quantized_weight
from segdemo.model.runtimes import CLASSES, LOGITS, MASKS
from segdemo.model.weights import load_library_model


class Portable(nn.Module):
    """A network from pixels (B, 3, H, W) to class logits (B, Q, C + 1) and mask logits (B, Q, H / 4, W / 4)."""

    outputs: tuple[str, ...] = (CLASSES, MASKS)
    """Names of what the graph hands out."""

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

    def forward(self, pixel_values: Tensor) -> Any:
        """Run normalised pixels float32 forward."""
        pixels = pixel_values.to(self.dtype)
        if isinstance(self.network, Network):
            found = self.network.layers(pixels, False, cast("Steps", _nothing))
            classes, masks = found.classes[-1], found.masks[-1]
        else:
            outputs = self.network(pixel_values=pixels, **self.told())
            classes, masks = outputs.class_queries_logits, outputs.masks_queries_logits
        return classes.float(), masks.float()

    def told(self) -> dict[str, Tensor]:
        """What the library's network takes beside pixels."""
        return {}


class Told(Portable):
    """A OneFormer that is told one task for good; batches of one.

    The token that conditions its queries is computed here, in float32: words' numbers go up to 49,407, which float16
    would round to multiples of 32.
    """

    token: Tensor

    def __init__(self, network: Any, words: Tensor) -> None:
        super().__init__(network)
        core = network.model
        with torch.no_grad():
            self.register_buffer("token", core.task_encoder(words[None]))
        core.task_encoder = nn.Identity()
        # Texts are for training alone.
        core.is_training, core.text_mapper = False, None

    def told(self) -> dict[str, Tensor]:
        """See ``Portable``."""
        return {"task_inputs": self.token}


class Scoring(Portable):
    """A network without queries, from pixels (B, 3, H, W) to logits of its classes (B, C, H / 4, W / 4).

    The library brings them to the input's size before it hands them out, which is left to whoever reads them here:
    they are a sixteenth of the size, and go to the photograph's size anyway.
    """

    outputs = (LOGITS,)

    def forward(self, pixel_values: Tensor) -> Any:
        """Run normalised pixels float32 forward."""
        network: Any = self.network
        return network.decode_head(network.backbone(pixel_values.to(self.dtype)).feature_maps).float()


def portable(folder: Path, *, task: str | None = None, accelerated: bool = True) -> Portable:
    """Return a checkpoint folder's network ready to be exported, in float32; a new object.

    ``task`` is what a OneFormer is told, semantic by default. Raises ``SegdemoError`` for a checkpoint whose answer is
    neither queries with masks nor scores for each cell, from pixels alone.
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
    if config.get("model_type") == "oneformer":
        return Told(model, task_tokens(folder)[task or "semantic"]).eval()
    if config.get("model_type") == "upernet":
        return Scoring(model).eval()
    if config.get("model_type") == "eomt":
        # Whether its queries attend under their masks: numbers, since no branch of a graph hangs on a tensor.
        chances = model.attn_mask_probs.tolist()
        del model.attn_mask_probs
        model.attn_mask_probs = chances
    if getattr(model, "main_input_name", "") != "pixel_values" or not hasattr(model, "class_predictor"):
        raise SegdemoError(
            f"{architecture} is not exported: its answer is neither a class and a mask for each query, nor scores for "
            "each cell, from pixels alone."
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
    return re.search(r"\bencoder\.layers\.[23]\.", name) is not None


def _is_block(part: nn.Module) -> bool:
    return hasattr(part, "attention") and hasattr(part, "layernorm_before")
