"""Shared GPUs of Hugging Face Spaces (ZeroGPU): import this before torch; everywhere else it changes nothing."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

try:
    import spaces
except ImportError:
    spaces = None

P = ParamSpec("P")
R = TypeVar("R")

ON_ZEROGPU = spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
"""Whether this is a ZeroGPU Space; the package alone is installed on every Space."""


def gpu(function: Callable[P, R]) -> Callable[P, R]:
    """Mark the function that needs a GPU.

    On ZeroGPU it runs in a process of its own that holds the GPU meanwhile: arguments and results are pickled, and
    what it stores in a global is lost. Elsewhere the function is returned as it is.
    """
    if not ON_ZEROGPU:
        return function
    wrapped: Callable[P, R] = spaces.GPU(function)
    return wrapped
