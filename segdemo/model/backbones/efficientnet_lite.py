"""EfficientNet-lite as a backbone of the library: inverted residuals with ReLU6, features at strides 4, 8, 16, 32.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in the "lite"
variants (no squeeze-and-excitation, ReLU6, stem not scaled) of github.com/tensorflow/tpu, without the classification
head.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoBackbone, AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.backbone_utils import BackboneConfigMixin, BackboneMixin
from transformers.modeling_outputs import BackboneOutput

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the processor's pixels were normalised with."""
OWN_MEAN, OWN_STD = 0.498, 0.502
"""What the published weights expect instead, in every channel."""


class _Block(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STEM = 32
_BLOCKS = (
    _Block(1, 3, 1, 1, 16),
    _Block(2, 3, 2, 6, 24),
    _Block(2, 5, 2, 6, 40),
    _Block(3, 3, 2, 6, 80),
    _Block(3, 5, 1, 6, 112),
    _Block(4, 5, 2, 6, 192),
    _Block(1, 3, 1, 6, 320),
)
VARIANTS: Mapping[str, tuple[float, float, int]] = {
    "lite0": (1.0, 1.0, 224),
    "lite1": (1.0, 1.1, 240),
    "lite2": (1.1, 1.2, 260),
    "lite3": (1.2, 1.4, 280),
    "lite4": (1.4, 1.8, 300),
}
"""Factors on the number of channels and of blocks, and the side in pixels of the pictures it was published for."""


class EfficientNetLiteConfig(BackboneConfigMixin, PretrainedConfig):  # type: ignore[misc]
    """``variant`` is a key of ``VARIANTS``; ``out_features`` are among ``stem`` and ``stage1`` (stride 4) to 4 (32)."""

    model_type = "efficientnet_lite"

    def __init__(
        self, variant: str = "lite2", out_features: Any = None, out_indices: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.variant = variant
        self.stage_names = ["stem", "stage1", "stage2", "stage3", "stage4"]
        self.set_output_features_output_indices(out_features=out_features, out_indices=out_indices)


class _Convolution(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "SAME" is for inputs of ``side`` pixels, whatever comes.

    What is odd of the padding goes to the right and the bottom. Padding by the size of each input would shift the
    features against those that the published weights were made with.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, side: int, stride: int = 1, groups: int = 1) -> None:
        total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        super().__init__(inputs, outputs, kernel, stride, total // 2, groups=groups, bias=False)
        self.uneven = (total // 2, total - total // 2) * 2 if total % 2 else None

    def forward(self, input: Tensor) -> Tensor:
        """See ``nn.Conv2d``."""
        if self.uneven is None:
            return super().forward(input)
        return F.conv2d(F.pad(input, self.uneven), self.weight, None, self.stride, 0, 1, self.groups)


class InvertedResidual(nn.Module):
    """Widen, convolve every channel on its own, narrow; the input is added where the shape allows it."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expand: int, side: int) -> None:
        super().__init__()
        inner = inputs * expand
        if expand > 1:
            self._expand_conv = _Convolution(inputs, inner, 1, side=side)
            self._bn0 = _normalisation(inner)
        self._depthwise_conv = _Convolution(inner, inner, kernel, side=side, stride=stride, groups=inner)
        self._bn1 = _normalisation(inner)
        self._project_conv = _Convolution(inner, outputs, 1, side=side)
        self._bn2 = _normalisation(outputs)
        self.wide, self.residual = expand > 1, stride == 1 and inputs == outputs
        self.stride, self.channels = stride, outputs

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        inner = F.relu6(self._bn0(self._expand_conv(hidden))) if self.wide else hidden
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        inner = self._bn2(self._project_conv(inner))
        return hidden + inner if self.residual else inner


def _normalisation(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _scaled(channels: int, factor: float) -> int:
    """Scale a number of channels to a multiple of 8, at most a tenth below what was asked for."""
    wanted = channels * factor
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * wanted else nearest


def _blocks(variant: str) -> Iterator[InvertedResidual]:
    width, depth, side = VARIANTS[variant]
    inputs, side = _STEM, math.ceil(side / 2)
    for place, part in enumerate(_BLOCKS):
        outputs = _scaled(part.channels, width)
        # The first and the last part keep their length, as the stem keeps its width.
        repeats = part.repeats if place in (0, len(_BLOCKS) - 1) else math.ceil(part.repeats * depth)
        for number in range(repeats):
            stride = part.stride if number == 0 else 1
            yield InvertedResidual(inputs, outputs, kernel=part.kernel, stride=stride, expand=part.expand, side=side)
            inputs, side = outputs, math.ceil(side / stride)


class EfficientNetLiteBackbone(BackboneMixin, PreTrainedModel):  # type: ignore[misc]
    """The features before each reduction of the resolution, and the last ones.

    The means and variances of the batch normalisations stay as they were loaded, in training too: batches are small.
    """

    config_class = EfficientNetLiteConfig
    base_model_prefix = "efficientnet_lite"
    main_input_name = "pixel_values"
    has_attentions = False

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        self.stem = _Convolution(3, _STEM, 3, side=VARIANTS[config.variant][2], stride=2)
        self.bn = _normalisation(_STEM)
        blocks = list(_blocks(config.variant))
        self.blocks = nn.ModuleList(blocks)
        # The last block of each stage is the one before the next reduction; the first stage ends up in no map.
        reductions = [number for number, block in enumerate(blocks) if block.stride == 2]
        self.ends = [*(number - 1 for number in reductions[1:]), len(blocks) - 1]
        self.num_features = [_STEM, *(blocks[number].channels for number in self.ends)]
        self.post_init()

    def train(self, mode: bool = True) -> "EfficientNetLiteBackbone":
        """Switch to training, the statistics of the normalisations left alone."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.training = False
        return self

    def forward(
        self, pixel_values: Tensor, after_block: Callable[[], None] | None = None, **kwargs: Any
    ) -> BackboneOutput:
        """Return ``feature_maps`` of the wanted stages for pixels (B, 3, H, W) as the processor normalises them."""
        # Computed here: buffers that are not in the file come back undefined from the library's loading.
        scale = pixel_values.new_tensor([deviation / OWN_STD for deviation in IMAGENET_STD])
        shift = pixel_values.new_tensor([(mean - OWN_MEAN) / OWN_STD for mean in IMAGENET_MEAN])
        hidden = F.relu6(self.bn(self.stem(pixel_values * scale[:, None, None] + shift[:, None, None])))
        maps = [hidden]
        for number, block in enumerate(self.blocks):
            hidden = block(hidden)
            if after_block is not None:
                after_block()
            if number in self.ends:
                maps.append(hidden)
        wanted = tuple(found for name, found in zip(self.stage_names, maps, strict=True) if name in self.out_features)
        return BackboneOutput(feature_maps=wanted)


AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig)
AutoBackbone.register(EfficientNetLiteConfig, EfficientNetLiteBackbone)
