"""Processes that this one starts, which end with it: told to at its end, or on their own when it was killed."""

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from typing import Any

_LOOK_SECONDS = 1.0
_PATIENCE = 2.0
_PARENT = "SEGDEMO_PARENT_PROCESS"
"""Tells a child whose it is: its parent may be gone before it can look for itself."""
_running: set["subprocess.Popen[bytes]"] = set()
_lock = threading.Lock()


def start_child(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a process that ``end_children`` ends; what it runs should call ``end_with_parent`` first."""
    environment = {**(options.pop("env", None) or os.environ), _PARENT: str(os.getpid())}
    child = subprocess.Popen(command, env=environment, **options)
    with _lock:
        _running.difference_update([known for known in _running if known.poll() is not None])
        _running.add(child)
    return child


def end_children() -> None:
    """End the processes that still run: politely, then not."""
    with _lock:
        running = [child for child in _running if child.poll() is None]
        _running.clear()
    for child in running:
        child.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
    for child in running:
        if child.poll() is None:
            child.kill()
            child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


atexit.register(end_children)


def end_with_parent() -> None:
    """Called in a child: end this process within seconds of its parent's end, however that ended."""
    told = os.environ.pop(_PARENT, "")
    # On Windows a virtual environment's Python starts another one, so the parent is not who started it.
    parent = int(told) if told.isdigit() and sys.platform != "win32" else os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="segdemo-parent").start()
