"""Which cases of a long list `make test` runs; `.ci/run` runs them all."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def rest_slow(cases: Iterable[Any], quick: Callable[[Any], bool]) -> list[Any]:
    """The cases, those that are not ``quick`` marked slow; a case is one value or a tuple of them."""
    return [
        case if quick(case) else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in cases
    ]
