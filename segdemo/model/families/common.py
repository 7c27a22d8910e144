"""What families have in common: a configuration read with care, a backbone's blocks and windows, their precisions."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from segdemo.model.fast.linear import has_products
from segdemo.model.fast.swin import SwinBackbone
from segdemo.model.weights import named_backbone, quiet_library
from segdemo.prediction import Windows


def described(config_class: str, config: Mapping[str, Any]) -> Any | None:
    """The library's configuration of that class, or none for one that loading will complain about."""
    import transformers

    if named_backbone(config) is not None:
        return None
    with quiet_library():
        try:
            return getattr(transformers, config_class).from_dict(dict(config))
        except Exception:
            return None


def swin_windows(backbone: Any | None) -> Mapping[int, Windows]:
    """By scale, the windows of a Swin, whose second block in a pair attends in windows shifted by half of one."""
    if backbone is None or backbone.model_type not in ("swin", "maskformer-swin"):
        return {}
    patch, side = backbone.patch_size, backbone.window_size
    first = patch[0] if isinstance(patch, list | tuple) else patch
    return {first << index: Windows(side, side // 2 if depth > 1 else 0) for index, depth in enumerate(backbone.depths)}


def fast_swin(config_class: str, config: Mapping[str, Any]) -> bool:
    """Whether a configuration of that class describes a backbone that ``model/fast`` computes."""
    found = described(config_class, config)
    return found is not None and found.backbone_config is not None and SwinBackbone.supports(found.backbone_config)


def library_precisions(device: str) -> tuple[str, ...]:
    """What the library's networks run in: bfloat16 products as well where the device has them."""
    return ("fp32", "bf16") if device != "cpu" or has_products(torch.bfloat16) else ("fp32",)


def blocks(backbone: nn.Module) -> list[nn.Module]:
    """Return what a backbone computes one after the other: the members of its innermost lists, else all of it."""

    def lists(module: nn.Module) -> list[nn.ModuleList]:
        return [part for part in module.modules() if isinstance(part, nn.ModuleList)]

    return [part for parts in lists(backbone) for part in parts if not lists(part)] or [backbone]
