"""How this process takes memory from the system: what a forward pass gave back, the next one finds again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's ``mallopt`` (``man 3 mallopt``)."""
_KEPT = 1 << 30
"""Bytes that may lie free before they go back to the system; larger blocks than that always go back."""


def keep_freed_memory() -> bool:
    """Let glibc keep up to 1 GB of freed memory, in one pool for all threads; whether it does.

    By default it returns large blocks at once, and the system clears every page of them when they are asked for again:
    up to a tenth of a forward pass. With a pool for every thread each one that runs the network would keep its own.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    answers = [mallopt(*wish) for wish in ((_MMAP_THRESHOLD, _KEPT), (_TRIM_THRESHOLD, _KEPT), (_ARENA_MAX, 1))]
    return all(answers)
