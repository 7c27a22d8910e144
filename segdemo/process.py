"""What a program of this project asks of its own process as it starts; importing asks nothing."""

import contextlib
import ctypes
import gc
import importlib
import os
import sys
import threading

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's ``mallopt`` (``man 3 mallopt``)."""
_KEPT = 1 << 30
"""Bytes that may lie free before they go back to the system; larger blocks than that always go back."""
_OLD_LIMIT = 1 << 25
"""The largest block that older versions of glibc can be told to keep, in bytes."""


def prepare_process() -> None:
    """Do all of the below: the page and the commands call it before anything imports PyTorch."""
    keep_freed_memory()
    let_waiting_threads_sleep()


def let_waiting_threads_sleep() -> bool:
    """Have PyTorch's threads sleep, not spin, while they wait for each other; whether that can still be had.

    A thread that spins keeps the core that the one it waits for needs, as soon as anything else runs on the machine:
    on two cores a photograph took six to eight times as long beside one or two busy processes. Where nothing else
    runs, spinning saves up to a fifth. Whoever knows better sets ``OMP_WAIT_POLICY`` or ``GOMP_SPINCOUNT``, which are
    left as they are. They are read once, when PyTorch is imported.
    """
    if "torch" in sys.modules:
        return False
    if "GOMP_SPINCOUNT" not in os.environ:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return True


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
    # Unless blocks are kept as well, the two others would only send every larger one back at once.
    if not any(mallopt(_MMAP_THRESHOLD, size) for size in (_KEPT, _OLD_LIMIT)):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT) and mallopt(_ARENA_MAX, 1))


def put_off_collecting() -> None:
    """Have Python look for no cycles of garbage while a program starts: ``collect_again`` ends it.

    What imports make stays, and looking through it over and over costs a tenth of the time that they take.
    """
    gc.disable()


def import_beside(name: str) -> threading.Thread:
    """Import a module in a thread of its own, while this one goes on; whoever needs it waits for that.

    Modules that import each other must not be imported by two threads at once: ``name`` is one that nothing else here
    asks for meanwhile. What goes wrong is said to those who import it in earnest. A program that ends meanwhile waits.
    """

    def load() -> None:
        with contextlib.suppress(Exception):
            importlib.import_module(name)

    thread = threading.Thread(target=load)
    thread.start()
    return thread


def collect_again() -> None:
    """Collect as always, but leave out for good what is there by now: modules, which stay as long as the process."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
