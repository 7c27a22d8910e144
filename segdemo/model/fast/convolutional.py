"""A backbone of this project's own within the accelerated network: convolutions, computed as they are."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.errors import SegdemoError
from segdemo.model.capture import Steps


class _ReducedPointwise(nn.Module):
    """A 1 x 1 convolution whose product is computed in bfloat16; what comes in and goes out is float32."""

    def __init__(self, original: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(original.weight.to(torch.bfloat16), requires_grad=False)

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(maps.to(torch.bfloat16), self.weight).float()


class ConvolutionalBackbone(nn.Module):
    """An ``EfficientNetLiteBackbone`` that says how far it is."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def num_blocks(self) -> int:
        """Blocks over all stages."""
        return len(self.backbone.blocks)

    def reduce(self, precision: str) -> None:
        """Compute the 1 x 1 convolutions at strides 16 and 32 in ``bf16``; raises ``SegdemoError`` for ``int8``."""
        if precision != "bf16":
            raise SegdemoError(f"This checkpoint's convolutions do not run in {precision}: choose fp32 or bf16.")
        _, end_of_stride_8, *_ = self.backbone.ends
        for block in self.backbone.blocks[end_of_stride_8 + 1 :]:
            for name, part in list(block.named_children()):
                if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1):
                    block.add_module(name, _ReducedPointwise(part))

    def forward(self, pixels: Tensor, step: Steps) -> list[Tensor]:
        """Return the feature maps (B, C, h, w) of pixels (B, 3, H, W), finest first; H and W multiples of 32."""
        return list(self.backbone(pixels, after_block=lambda: step("backbone")).feature_maps)
