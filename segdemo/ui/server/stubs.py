"""Keeps Gradio from writing type stubs while it is imported, which takes half of the import."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

WRITES = "gradio.component_meta"
"""Reads, parses and compares the source of every component as its class is made (``create_or_modify_pyi``)."""


class _Watch:
    """Finds the one module, and takes the function from it that writes."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != WRITES:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            if hasattr(module, "create_or_modify_pyi"):
                module.create_or_modify_pyi = lambda *_: None

        loader.exec_module = exec_module
        return spec


def import_without_stubs() -> None:
    """Have Gradio imported so from now on: the stubs are for editors, and the ones that it brings stay as they are."""
    if _Watch not in sys.meta_path:
        sys.meta_path.insert(0, _Watch)
