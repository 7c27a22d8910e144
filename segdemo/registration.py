"""Makes this project's own backbones known to the library, without importing the library."""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

BACKBONES = "segdemo.model.backbones"
WANTED_BY = "transformers.models.mask2former.configuration_mask2former"
"""Imported by the library before it can read any Mask2Former."""


class _Watch:
    """Finds no module: it sees which ones are asked for."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name == WANTED_BY:
            import_module(BACKBONES)


def register_backbones() -> None:
    """Register now where the library's Mask2Former is there already, else once somebody imports it.

    So ``Mask2FormerForUniversalSegmentation.from_pretrained`` reads the embedded checkpoint wherever ``segdemo`` was
    imported, and ``import segdemo`` stays light.
    """
    if WANTED_BY in sys.modules:
        import_module(BACKBONES)
    elif _Watch not in sys.meta_path:
        sys.meta_path.insert(0, _Watch)
