"""Closes connections that say nothing, and those beyond what one client may hold open."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from segdemo.settings import settings
from segdemo.ui.server.clients import trusted_proxies

LOOK_SECONDS = 1.0


class Watch:
    """Looks at a server's open connections from time to time (uvicorn's protocol objects)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle: WeakKeyDictionary[Any, tuple[Any, float]] = WeakKeyDictionary()

    def look(self, connections: Iterable[Any]) -> None:
        """Close what has waited too long for a request, however slowly one drips in, and what is too much."""
        now = self._clock()
        held: Counter[str] = Counter()
        for connection in list(connections):
            client = (connection.client or ("unknown",))[0]
            held[client] += 1
            # Behind a proxy all connections are the proxy's.
            crowded = held[client] > settings().client_connections and not trusted_proxies()
            if crowded or self._silent_for(connection, now) > settings().silent_seconds:
                connection.transport.abort()

    def _silent_for(self, connection: Any, now: float) -> float:
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete:
            self._idle.pop(connection, None)
            return 0.0
        last, since = self._idle.get(connection, (None, now))
        if last is not cycle:
            # It has made a request since the last look.
            since = now
        self._idle[connection] = (cycle, since)
        return now - since


async def watch_connections(server: Callable[[], Any]) -> None:
    """Look at the connections of ``server()``, once there is one, until cancelled."""
    watch = Watch()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        running = server()
        if running is not None:
            watch.look(running.server_state.connections)
