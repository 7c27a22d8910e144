"""What was decoded lately, within a bound in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows its memory."""

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""


Value = TypeVar("Value", bound=Sized)


class Cache(Generic[Value]):
    """Keeps what was used last; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        """Keep values of at most ``most`` bytes together."""
        self._most = most
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value kept under ``key``, else what ``make`` returns."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._bytes += value.nbytes
            while self._bytes > self._most and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return value
