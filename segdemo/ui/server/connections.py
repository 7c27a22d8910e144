"""Closes connections that say nothing, and those beyond what one client may hold open."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from segdemo.settings import settings
from segdemo.ui.server.clients import trusted_proxies

LOOK_SECONDS = 1.0


@dataclass
class _Seen:
    """What was seen of a connection: its last request, what still waited to be taken from it, and when that changed."""

    cycle: Any
    waiting: int
    changed: float
    asked: float
    """When its request was first seen."""


class Watch:
    """Looks at a server's open connections from time to time (uvicorn's protocol objects)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: WeakKeyDictionary[Any, _Seen] = WeakKeyDictionary()

    def look(self, connections: Iterable[Any]) -> None:
        """Close those that are silent for too long, and those that are too many.

        Silent is who sends no request, however slowly one drips in, and who takes nothing of the answer.
        """
        now = self._clock()
        held: Counter[str] = Counter()
        for connection in list(connections):
            client = (connection.client or ("unknown",))[0]
            held[client] += 1
            # Behind a proxy all connections are the proxy's.
            crowded = held[client] > settings().client_connections and not trusted_proxies()
            if crowded or self._is_silent(connection, now):
                connection.transport.abort()

    def _is_silent(self, connection: Any, now: float) -> bool:
        cycle, waiting = connection.cycle, connection.transport.get_write_buffer_size()
        seen = self._seen.get(connection)
        if seen is None or seen.cycle is not cycle:
            self._seen[connection] = _Seen(cycle, waiting, now, now)
            return False
        at_work = cycle is not None and not cycle.response_complete
        if seen.waiting != waiting or (at_work and not waiting):
            seen.waiting, seen.changed = waiting, now
        too_slow = waiting and not at_work and now - seen.asked > settings().run_deadline + settings().body_seconds
        return bool(too_slow or now - seen.changed > settings().silent_seconds)


async def watch_connections(server: Callable[[], Any]) -> None:
    """Look at the connections of ``server()``, once there is one, until cancelled."""
    watch = Watch()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        running = server()
        if running is not None:
            watch.look(running.server_state.connections)
