"""Memory that many share: whoever wants some says how much, and waits in line or is turned away."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segdemo.errors import SegdemoError

BUSY = "The server is busy with other people's photos: please try again in a minute."


class Budget:
    """So many bytes, given out in the order of asking.

    A request for more than there is in all is given everything once nobody else holds any.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._line: list[object] = []
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Bytes that are given out."""
        return self.total - self._free

    def take(self, nbytes: int) -> bool:
        """Take ``nbytes`` at once, or none: whether there were as many. To be given back with ``give``."""
        with self._changed:
            if nbytes > self._free:
                return False
            self._free -= nbytes
            return True

    def give(self, nbytes: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._free += nbytes
            self._changed.notify_all()

    @contextmanager
    def hold(self, nbytes: int, *, limit: int, waiting: Callable[[int], None], seconds: float) -> Iterator[None]:
        """Hold ``nbytes`` as soon as those who asked before have theirs.

        ``waiting(ahead)`` is called several times a second meanwhile and may raise to give up. Raises
        ``SegdemoError`` where ``limit`` are waiting already, or nothing came free within ``seconds``.
        """
        wanted = min(nbytes, self.total)
        me = object()
        with self._changed:
            if len(self._line) >= limit:
                raise SegdemoError(BUSY)
            self._line.append(me)
        try:
            self._wait(me, wanted, waiting, time.monotonic() + seconds)
        finally:
            with self._changed:
                self._line.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            self.give(wanted)

    def _wait(self, me: object, wanted: int, waiting: Callable[[int], None], deadline: float) -> None:
        while True:
            with self._changed:
                ahead = self._line.index(me)
                if ahead == 0 and wanted <= self._free:
                    self._free -= wanted
                    return
            waiting(ahead)
            if time.monotonic() > deadline:
                raise SegdemoError(BUSY)
            with self._changed:
                if not (self._line[0] is me and wanted <= self._free):
                    self._changed.wait(timeout=0.2)
