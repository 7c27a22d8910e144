"""The accelerated Swin and pixel decoder as parts of the library's networks, in place of the library's own.

They take the weights of the part that they stand for, answer as it does, and have blocks that hooks can be put on. On
the processor only, in float32 even where the network around them is told to compute in bfloat16: what they reduce is
theirs to say. Who has a network with them calls ``linear.pack`` on it once it is complete.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.model.fast.linear import as_maps
from segdemo.model.fast.pixel_decoder import PixelDecoder
from segdemo.model.fast.swin import SwinBackbone


@dataclass(frozen=True)
class Stages:
    """What a backbone answers."""

    feature_maps: tuple[Tensor, ...]
    """(B, C, h, w) of each stage, finest first."""


@dataclass(frozen=True)
class Levels:
    """What a pixel decoder answers."""

    multi_scale_features: list[Tensor]
    """(B, C, h, w) at 1/32, 1/16 and 1/8."""
    mask_features: Tensor
    """(B, C, h, w) at 1/4."""


class Backbone(nn.Module):
    """``SwinBackbone`` in place of the library's ``SwinBackbone`` or ``MaskFormerSwinBackbone``."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = SwinBackbone(backbone if hasattr(backbone, "swin") else _renamed(backbone))

    def reduce(self) -> None:
        """Compute in bfloat16 from now on, where that hardly shows; see ``SwinBackbone.reduce``."""
        self.backbone.reduce("bf16")

    def forward(self, pixels: Tensor) -> Stages:
        """Return the stages of pixels (B, 3, H, W), of any size, in memory as the library's lie."""
        with torch.autocast("cpu", enabled=False):
            return Stages(tuple(maps.contiguous() for maps in self.backbone(pixels, _nothing)))


class Decoder(nn.Module):
    """``PixelDecoder`` in place of the library's ``OneFormerPixelDecoder``."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.encoder = PixelDecoder(decoder)
        """By the name under which the library's has the layers."""

    def forward(self, features: Sequence[Tensor]) -> Levels:
        """Return the levels and mask features of a backbone's stages, in memory as the library's lie."""
        with torch.autocast("cpu", enabled=False):
            levels, shapes, masks = self.encoder([maps.float() for maps in features], _nothing)
        maps = [as_maps(tokens, *shape).contiguous() for tokens, shape in zip(levels, shapes, strict=True)]
        return Levels(maps, masks.contiguous())


def _nothing(part: str) -> None:
    """Hooks on the blocks tell what is done."""


def _renamed(backbone: Any) -> Any:
    """The parts of a ``MaskFormerSwinBackbone`` by the names that ``SwinBackbone`` gives the same ones."""
    stages = [
        SimpleNamespace(blocks=[_block(block) for block in stage.blocks], downsample=stage.downsample)
        for stage in backbone.model.encoder.layers
    ]
    norms = {f"stage{index}": norm for index, norm in enumerate(backbone.hidden_states_norms, start=1)}
    swin = SimpleNamespace(embeddings=backbone.model.embeddings, encoder=SimpleNamespace(layers=stages))
    return SimpleNamespace(swin=swin, hidden_states_norms=norms)


def _block(block: Any) -> Any:
    own = block.attention.self

    def relative_position_bias() -> Tensor:
        side = block.window_size**2
        looked_up: Tensor = own.relative_position_bias_table[own.relative_position_index.flatten()]
        return looked_up.view(side, side, -1).permute(2, 0, 1)[None]

    attention = SimpleNamespace(
        num_attention_heads=own.num_attention_heads,
        q_proj=own.query,
        k_proj=own.key,
        v_proj=own.value,
        o_proj=block.attention.output.dense,
        relative_position_bias=relative_position_bias,
    )
    return SimpleNamespace(
        window_size=block.window_size,
        shift_size=block.shift_size,
        layernorm_before=block.layernorm_before,
        layernorm_after=block.layernorm_after,
        attention=attention,
        mlp=SimpleNamespace(fc1=block.intermediate.dense, fc2=block.output.dense),
    )
