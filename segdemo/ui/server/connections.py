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
LONGEST_STEP = 3.0
"""Time between two looks counts as so much at most: what came while the server itself stood still is not silence."""


@dataclass
class _Seen:
    """What was seen of a connection: its last request, and what still waited to be taken from it."""

    cycle: Any
    waiting: int
    silent: float = 0.0
    """For how long nothing has changed, in seconds."""
    since_asked: float = 0.0
    """How long ago its request was first seen."""


class Watch:
    """Looks at a server's open connections from time to time (uvicorn's protocol objects)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._seen: WeakKeyDictionary[Any, _Seen] = WeakKeyDictionary()

    def look(self, connections: Iterable[Any]) -> None:
        """Close those that are silent for too long, and those that are too many.

        Silent is who sends no request, however slowly one drips in, and who takes nothing of the answer.
        """
        now = self._clock()
        step, self._looked = min(now - self._looked, LONGEST_STEP), now
        held: Counter[str] = Counter()
        for connection in list(connections):
            client = (connection.client or ("unknown",))[0]
            held[client] += 1
            # Behind a proxy all connections are the proxy's.
            crowded = held[client] > settings().client_connections and not trusted_proxies()
            if crowded or self._is_silent(connection, step):
                connection.transport.abort()

    def _is_silent(self, connection: Any, step: float) -> bool:
        cycle, waiting = connection.cycle, connection.transport.get_write_buffer_size()
        seen = self._seen.get(connection)
        if seen is None or seen.cycle is not cycle:
            self._seen[connection] = _Seen(cycle, waiting)
            return False
        at_work = cycle is not None and not cycle.response_complete
        changed = seen.waiting != waiting or (at_work and not waiting)
        seen.waiting = waiting
        seen.silent = 0.0 if changed else seen.silent + step
        seen.since_asked += step
        longest = settings().run_deadline + settings().body_seconds
        return seen.silent > settings().silent_seconds or bool(waiting and not at_work and seen.since_asked > longest)


async def watch_connections(server: Callable[[], Any]) -> None:
    """Look at the connections of ``server()``, once there is one, until cancelled."""
    watch = Watch()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        running = server()
        if running is not None:
            watch.look(running.server_state.connections)
