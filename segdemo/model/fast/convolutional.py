"""A backbone of this project's own within the accelerated network: convolutions, computed as they are."""

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.capture import Steps
from segdemo.model.fast.probes import PROBE_INPUTS, PROBE_OUTPUTS, waves, works


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

    def reduce(self) -> None:
        """Compute the 1 x 1 convolutions at strides 16 and 32 in bfloat16."""
        _, end_of_stride_8, *_ = self.backbone.ends
        for block in self.backbone.blocks[end_of_stride_8 + 1 :]:
            for name, part in list(block.named_children()):
                if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1):
                    block.add_module(name, _ReducedPointwise(part))

    def forward(self, pixels: Tensor, step: Steps) -> list[Tensor]:
        """Return the feature maps (B, C, h, w) of pixels (B, 3, H, W), finest first; H and W multiples of 32."""
        return list(self.backbone(pixels, after_block=lambda: step("backbone")).feature_maps)


@functools.cache
def has_convolutions(dtype: torch.dtype) -> bool:
    """Whether PyTorch computes 1 x 1 convolutions of this type on the processor, and does so rightly."""
    maps = waves(PROBE_INPUTS, 20 * 16).view(1, PROBE_INPUTS, 20, 16).to(dtype)
    weight = (waves(PROBE_OUTPUTS, PROBE_INPUTS) * (2 / PROBE_INPUTS**0.5)).view(PROBE_OUTPUTS, PROBE_INPUTS, 1, 1)
    weight = weight.to(dtype)

    def attempt() -> bool:
        expected = torch.einsum("oi,bihw->bohw", weight.float().flatten(1), maps.float())
        return torch.allclose(F.conv2d(maps, weight).float(), expected, rtol=0.05, atol=0.05)

    return works(f"convolutions in {str(dtype).removeprefix('torch.')}", attempt)
