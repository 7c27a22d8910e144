"""Kinds of network: one file a family, from a checkpoint folder to what ``Prediction`` keeps."""

from pathlib import Path

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError
from segdemo.model.families.eomt import Eomt
from segdemo.model.families.family import Family, Inputs, Loaded
from segdemo.model.families.mask2former import Mask2Former
from segdemo.model.families.maskformer import MaskFormer
from segdemo.model.families.oneformer import OneFormer
from segdemo.model.families.upernet import UperNet

FAMILIES: tuple[Family, ...] = (
    Mask2Former(),
    UperNet(),
    OneFormer(),
    MaskFormer(),
    Eomt(),
)
"""In the order in which they are asked."""

__all__ = ["FAMILIES", "Family", "Inputs", "Loaded", "family_of"]


def family_of(folder: Path) -> Family:
    """Return the family of a checkpoint folder; raises ``SegdemoError`` where there is none for it."""
    config = read_config(folder)
    for family in FAMILIES:
        if family.recognises(config):
            return family
    names = ", ".join(family.name for family in FAMILIES)
    raise SegdemoError(
        f"{folder} holds a {config.get('model_type')!r} checkpoint, says the model_type in its config.json; this demo "
        f"runs {names} checkpoints."
    )
