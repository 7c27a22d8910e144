"""Who a request is from, as far as can be told, and how many requests each client may make."""

import ipaddress
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from segdemo.settings import settings

Headers = Iterable[tuple[bytes, bytes]]

MAX_CLIENTS = 10_000
"""So many clients' counts are kept; the one that was quiet longest goes first."""


def trusted_proxies() -> int:
    """How many proxies of the host's own stand before the server."""
    chosen = settings().trusted_proxies
    if chosen is not None:
        return chosen
    return 1 if os.environ.get("SPACE_ID") else 0


def client_of(peer: str | None, headers: Headers) -> str:
    """The address that a request counts for: the peer's, or the one that the host's own proxies saw.

    Each proxy appends the address it was called from to ``X-Forwarded-For``, so with ``n`` trusted proxies the n-th
    entry from the right is the last that a client cannot write. Of an IPv6 address the first 64 bits count.
    """
    address = peer or "unknown"
    proxies = trusted_proxies()
    if proxies:
        entries = [
            entry.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for entry in value.decode("latin-1").split(",")
        ]
        if entries:
            address = entries[-min(proxies, len(entries))]
    return _shortened(address)


def _shortened(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Rates:
    """Counts requests: each client has a bucket of ``per_minute`` that fills up again within a minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Count one request of a client; 0 where it may be answered, else the seconds until the next may."""
        now = self._clock()
        left, since = self._buckets.pop(client, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - since) * self.per_minute / 60)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute
