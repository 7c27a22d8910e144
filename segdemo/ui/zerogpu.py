"""Shared GPUs of Hugging Face Spaces (ZeroGPU): import this before torch; everywhere else it changes nothing."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

try:
    import spaces
except ImportError:
    spaces = None

ON_ZEROGPU = spaces is not None
"""Whether this process runs on a Space with shared GPUs."""

P = ParamSpec("P")
R = TypeVar("R")


def gpu(function: Callable[P, R]) -> Callable[P, R]:
    """Mark the function that needs a GPU.

    On ZeroGPU it runs in a process of its own that holds the GPU meanwhile: arguments and results are pickled, and
    what it stores in a global is lost. Without the ``spaces`` package the function is returned as it is.
    """
    if spaces is None:
        return function
    wrapped: Callable[P, R] = spaces.GPU(function)
    return wrapped
