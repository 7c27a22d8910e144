"""Memory that many share: whoever wants some says how much, and gets it at once or is turned away."""

import threading
from collections import Counter

BUSY = "The server is busy with as many photos as it can hold: please try again in a minute."

CLIENT_SHARE = 4
"""One client gets at most one part in so many of a budget: nobody can hold all of it."""


class Budget:
    """So many bytes."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are given out."""
        with self._lock:
            return self._held.total()

    def share_of(self, client: str) -> "Share":
        """What one client holds of the budget for one purpose, nothing at first."""
        return Share(self, client)

    def take(self, nbytes: int, client: str) -> bool:
        """Take ``nbytes`` at once, or none: whether there were as many. To be given back with ``give``."""
        with self._lock:
            own = self._held[client] + nbytes
            if self._held.total() + nbytes > self.total or (client and own > self.total // CLIENT_SHARE):
                return False
            self._held[client] = own
            return True

    def give(self, nbytes: int, client: str) -> None:
        """Give back what was taken."""
        with self._lock:
            self._held[client] -= nbytes
            if not self._held[client]:
                del self._held[client]


class Share:
    """Bytes of a budget that grow and are given back together."""

    def __init__(self, budget: Budget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._nbytes = 0

    def take(self, nbytes: int) -> bool:
        """Take ``nbytes`` more, or none: whether there were as many."""
        taken = self._budget.take(nbytes, self._client)
        self._nbytes += nbytes if taken else 0
        return taken

    def close(self) -> None:
        """Give all of it back."""
        self._budget.give(self._nbytes, self._client)
        self._nbytes = 0
