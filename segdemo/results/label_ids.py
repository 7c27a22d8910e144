"""Cityscapes' own numbers for its classes, as its benchmark reads them."""

from segdemo.class_tables import CITYSCAPES
from segdemo.errors import SegdemoError
from segdemo.taxonomy import Taxonomy

NONE = 0
"""The label id of a pixel of no class: "unlabeled"."""


def label_ids(taxonomy: Taxonomy) -> dict[int, int]:
    """The label id of each class index; raises ``SegdemoError`` for classes that are not those of Cityscapes."""
    found = {entry.index: CITYSCAPES[entry.name][0] for entry in taxonomy.classes if entry.name in CITYSCAPES}
    if taxonomy.name != "Cityscapes" or len(found) < len(taxonomy):
        raise SegdemoError(
            "Label ids are Cityscapes' own numbers, and this checkpoint has other classes: leave label ids out, or "
            "choose a checkpoint of Cityscapes."
        )
    return found
