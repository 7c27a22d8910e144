"""Reads the arguments that a page sends: every value is checked, none is trusted."""

import math
from collections.abc import Mapping
from typing import Any

from segdemo.errors import SegdemoError

Arguments = Mapping[str, Any]


def number(arguments: Arguments, name: str, *, low: float, high: float, default: float | None = None) -> float:
    """A finite number in ``low..high``; raises ``SegdemoError``."""
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SegdemoError(f"{name} must be a number.")
    if not low <= value <= high:
        raise SegdemoError(f"{name} must be between {low:g} and {high:g}.")
    return float(value)


def whole(arguments: Arguments, name: str, *, low: int, high: int, default: int | None = None) -> int:
    """A whole number in ``low..high``; raises ``SegdemoError``."""
    value = number(arguments, name, low=low, high=high, default=default)
    if value != int(value):
        raise SegdemoError(f"{name} must be a whole number.")
    return int(value)


def choice(arguments: Arguments, name: str, options: tuple[str, ...], *, default: str | None = None) -> str:
    """One of ``options``; raises ``SegdemoError``."""
    value = arguments.get(name, default)
    if value not in options:
        raise SegdemoError(f"{name} must be one of {', '.join(options)}.")
    return str(value)


def flag(arguments: Arguments, name: str, *, default: bool = False) -> bool:
    """True or false; raises ``SegdemoError``."""
    value = arguments.get(name, default)
    if not isinstance(value, bool):
        raise SegdemoError(f"{name} must be true or false.")
    return value
