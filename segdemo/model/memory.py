"""How this process takes memory from the system: what a forward pass gave back, the next one finds again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's ``mallopt`` (``man 3 mallopt``)."""
_KEPT = 1 << 30
"""Bytes that may lie free before they go back to the system; larger blocks than that always go back."""
_OLD_LIMIT = 1 << 25
"""The largest block that older versions of glibc can be told to keep, in bytes."""


def keep_freed_memory() -> bool:
    """Let glibc keep up to 1 GB of freed memory, in one pool for all threads; whether it does.

    It changes the whole process, so a program calls it as it starts: the page and the command line do, an import never.
    By default it returns large blocks at once, and the system clears every page of them when they are asked for again:
    up to a tenth of a forward pass. With a pool for every thread each one that runs the network would keep its own.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    # Unless blocks are kept as well, the two others would only send every larger one back at once.
    if not any(mallopt(_MMAP_THRESHOLD, size) for size in (_KEPT, _OLD_LIMIT)):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT) and mallopt(_ARENA_MAX, 1))
