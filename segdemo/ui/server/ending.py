"""Ends the process cleanly when the host says so: nothing runs on, nothing is left behind."""

import logging
import os
import signal
import sys
import threading
from typing import Any, Protocol

from segdemo.children import end_children
from segdemo.ui.server.folder import remove_private_folder

logger = logging.getLogger(__name__)

CLOSING_SECONDS = 3.0
"""How long responses that are under way may take to finish."""


class Closable(Protocol):
    """A page that is served (``gr.Blocks``)."""

    def close(self, verbose: bool = True) -> None:
        """Stop answering."""


class Ending:
    """Ends the process on a signal, whatever it is doing: work of native libraries is not waited for."""

    def __init__(self) -> None:
        self.page: Closable | None = None
        self._told = threading.Event()
        self._under_way = False

    def listen(self) -> None:
        """Take the signals that mean stop; before the page is there as well as later."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    def wait(self) -> None:
        """Wait for a signal."""
        self._told.wait()

    def _on_signal(self, number: int, _: Any) -> None:
        if self._under_way:
            # Told twice: at once.
            _leave(128 + number)
        self._under_way = True
        end_children()
        if self.page is not None:
            closing = threading.Thread(target=self._close, daemon=True)
            closing.start()
            closing.join(CLOSING_SECONDS)
        end_children()
        remove_private_folder()
        _leave(0)

    def _close(self) -> None:
        try:
            assert self.page is not None
            self.page.close(verbose=False)
        except Exception:
            logger.exception("the page could not be closed")


def _leave(code: int) -> None:
    # Not sys.exit: threads of native libraries that are at work abort the process when the interpreter goes away.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)
