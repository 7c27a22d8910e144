"""The whole network for inference: faster than the library's on a processor, equal to it, and traceable at any size."""

import threading
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without, as_half, packed
from segdemo.model.fast.convolutional import ConvolutionalBackbone, has_convolutions
from segdemo.model.fast.linear import as_maps, as_tokens, has_products, pack
from segdemo.model.fast.pixel_decoder import PixelDecoder
from segdemo.model.fast.quantized import has_quantized_products
from segdemo.model.fast.query_decoder import Layers, QueryDecoder
from segdemo.model.fast.swin import SwinBackbone


class Network(nn.Module):
    """Mask2Former with a Swin or an EfficientNet-lite backbone, built from the library's model, whose weights it takes.

    One forward pass at a time: concurrent callers wait, but for those that ask not to be ``alone``.
    """

    side_by_side = True
    """Whether passes can run beside each other: nothing of one is kept in the network."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        pixel_level = model.model.pixel_level_module
        swin = model.config.backbone_config.model_type == "swin"
        self.backbone: SwinBackbone | ConvolutionalBackbone = (
            SwinBackbone(pixel_level.encoder) if swin else ConvolutionalBackbone(pixel_level.encoder)
        )
        self.pixel_decoder = PixelDecoder(pixel_level.decoder)
        self.query_decoder = QueryDecoder(model.model.transformer_module, model.class_predictor)
        self._lock = threading.Lock()
        self.eval().requires_grad_(False)

    @staticmethod
    def supports(config: Any) -> bool:
        """Whether this module computes what a ``Mask2FormerConfig`` describes; others run in the library's network."""
        backbone = config.backbone_config
        if backbone is None or backbone.model_type not in ("efficientnet_lite", "swin") or config.pre_norm:
            return False
        if backbone.out_features != ["stage1", "stage2", "stage3", "stage4"]:
            return False
        return backbone.model_type == "efficientnet_lite" or SwinBackbone.supports(backbone)

    @staticmethod
    def precisions(config: Any) -> tuple[str, ...]:
        """In what the processor can compute a network that this module supports: what probes found."""
        swin = config.backbone_config.model_type == "swin"
        found = {
            "fp32": True,
            "bf16": (has_products if swin else has_convolutions)(torch.bfloat16),
            "int8": swin and has_quantized_products(),
        }
        return tuple(precision for precision, there in found.items() if there)

    def reduce(self, precision: str) -> None:
        """Compute in ``bf16`` or ``int8`` from now on, with weights in it, where that hardly shows in the labels.

        That is in the linear layers (or 1 x 1 convolutions) of the last two stages' blocks, two thirds of a Swin-L
        network's products. What those blocks add to, the fine stages, the pixel decoder, and the queries with their
        masks stay in float32: attention is masked by a threshold, where a small error decides whether a query sees a
        place at all. On the processor only in one of its ``precisions``.
        """
        if isinstance(self.backbone, ConvolutionalBackbone):
            if precision != "bf16":
                raise ValueError(f"convolutions are not computed in {precision}")
            self.backbone.reduce()
        else:
            self.backbone.reduce(precision)

    def pack(self) -> None:
        """Lay the weights out for the processor; afterwards the network runs there only and cannot be traced."""
        pack(self)

    def keep_decoder(self) -> None:
        """Let go of backbone and pixel decoder: ``decode`` is all that is left, on the processor."""
        del self.backbone, self.pixel_decoder
        self.pack()

    def layers(self, pixels: Tensor, keep: bool, step: Steps) -> Layers:
        """Run normalised pixels (B, 3, H, W) forward, H and W multiples of 32; every layer with ``keep``."""
        features = self.backbone(pixels, step)
        levels, shapes, mask_features = self.pixel_decoder(features, step)
        halves = [as_half(maps) for maps in features] if keep else []
        del features  # a third of a pass's memory, which the decoder need not find taken
        layers: Layers = self.query_decoder(levels, shapes, mask_features, keep, step)
        layers.features = halves
        if keep:
            layers.levels = [as_maps(tokens, *shape) for tokens, shape in zip(levels, shapes, strict=True)]
            layers.mask_features = mask_features
        return layers

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, H and W multiples of 32. Raises ``CancelledError``."""
        counts = {
            "backbone": self.backbone.num_blocks,
            "pixel": len(self.pixel_decoder.layers),
            "decoder": len(self.query_decoder.layers),
        }
        step = Steps(counts, request)
        with self._lock if request.alone else nullcontext(), torch.inference_mode():
            found = self.layers(pixels, request.capture, step)
            raw = packed(
                found.masks,
                found.classes,
                found.attentions,
                found.unmasked,
                found.features,
                found.levels,
                found.mask_features,
                height=pixels.shape[2],
            )
        step.end()
        return raw

    def decode(
        self,
        levels: list[Tensor],
        masks: Tensor,
        *,
        height: int,
        without: Without = NOTHING,
        request: Request = EVERYTHING,
    ) -> RawOutputs:
        """Run the decoder alone: see ``Loaded``. Raises ``CancelledError``."""
        step = Steps({"decoder": len(self.query_decoder.layers)}, request)
        shapes = [(level.shape[2], level.shape[3]) for level in levels]
        with self._lock, torch.inference_mode():
            found = self.query_decoder([as_tokens(level) for level in levels], shapes, masks, True, step, without)
            raw = packed(found.masks, found.classes, found.attentions, found.unmasked, height=height)
        step.end()
        return raw
