"""When a run has gone astray: something that should be a number is none."""

from collections.abc import Iterable

import torch
from torch import Tensor


class DivergedError(Exception):
    """A run has diverged; the text names what is not a number, and where."""


def require_finite(named: Iterable[tuple[str, Tensor]], where: str) -> None:
    """Raise ``DivergedError`` naming the first tensor that holds something else than numbers."""
    for name, value in named:
        if not bool(torch.isfinite(value).all()):
            raise DivergedError(f"{name} {where}")
