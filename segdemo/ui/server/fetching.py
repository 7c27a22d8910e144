"""Fetches a file for a caller where the host allows it: from public addresses only, at every step of the way.

A server that fetches what strangers name can be made to ask its own network (server-side request forgery, OWASP). So
the addresses that a name stands for are looked at where the connection is made, not before, and each redirect anew;
no proxy, no cookies, no passwords. Python's own HTTP client follows nothing by itself.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from segdemo.errors import SegdemoError
from segdemo.settings import settings
from segdemo.ui.server.budget import BUSY, Share

Check = Callable[[], None]
"""Called now and then by whoever waits: raises to give up."""

PORTS = (80, 443)
"""Photos on the web are served there; other ports are other services'."""
REDIRECTS = 3
"""So many are followed."""
LENGTH = 2048
"""Longest address, in characters."""
LOOK_SECONDS = 0.05
_CHUNK = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)
_PLATFORMS = [ipaddress.ip_network(text) for text in ("168.63.129.16/32", "192.0.0.0/24")]
"""Look public to some versions of Python, but answer the machines of a cloud (Azure's and Oracle's addresses)."""
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def fetched(url: str, what: str, *, share: Share, check: Check) -> bytes:
    """The file at an address, at most ``max_file_bytes`` and one byte, for its reader to say so.

    ``what`` it is, for the sentences. The bytes are taken from ``share`` as they come, and given back. Raises
    ``SegdemoError`` for addresses that are not public, what does not answer in ``url_seconds``, and anything but a
    file; whatever ``check`` raises.
    """
    fetch = _Fetch(what, share)
    worker = threading.Thread(target=fetch.run, args=(url,), daemon=True, name="segdemo-fetch")
    deadline = time.monotonic() + settings().url_seconds
    with closing(share):
        worker.start()
        try:
            while not fetch.done.wait(LOOK_SECONDS):
                check()
                if time.monotonic() > deadline:
                    raise SegdemoError(
                        f"The {what}'s address did not send it within {settings().url_seconds:g} s: upload it instead."
                    )
        finally:
            fetch.stop()
    if fetch.error is not None:
        raise fetch.error
    return bytes(fetch.content)


def is_public(text: str) -> bool:
    """Whether an IP address is one on the open internet, in whatever form it hides another.

    Not loopback, private, shared, link-local, multicast, reserved or unspecified (RFC 6890); of IPv6 only global
    unicast, and an IPv4 address within (mapped, 6to4, Teredo, NAT64) must be public itself.
    """
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        special = address.is_multicast or any(address in network for network in _PLATFORMS)
        return address.is_global and not special
    if address.ipv4_mapped is not None:
        return is_public(str(address.ipv4_mapped))
    if address in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    within = [address.sixtofour, *(address.teredo or ())]
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and all(is_public(str(inner)) for inner in within if inner is not None)
    )


class _Fetch:
    """One fetch, in a thread that may be left behind: its connection is cut when nobody waits any more."""

    def __init__(self, what: str, share: Share) -> None:
        self.content = bytearray()
        self.error: SegdemoError | None = None
        self.done = threading.Event()
        self._what, self._share = what, share
        self._stopped = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def run(self, url: str) -> None:
        """Follow the address; the content or the error is there in the end."""
        try:
            self._follow(url)
        except SegdemoError as error:
            self.error = error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = "its certificate is not valid" if isinstance(error, ssl.SSLError) else "it cannot be reached"
            self.error = SegdemoError(f"The {self._what} could not be fetched: {reason}. Upload it instead.")
        finally:
            self.done.set()

    def stop(self) -> None:
        """Cut the connection, if there is one."""
        with self._lock:
            self._stopped = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def connected(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection to a host, made to an address that was looked at. Raises ``SegdemoError``."""
        addresses = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        if not addresses or not all(is_public(str(address)) for address in addresses):
            raise self._refused(f"{host[:80]} is not a public address")
        made = _first(map(str, addresses), port, seconds)
        if made.getsockname()[0] == made.getpeername()[0]:
            made.close()
            raise self._refused(f"{host[:80]} is this machine")
        with self._lock:
            self._socket = made
            if self._stopped:
                made.close()
        return made

    def _follow(self, url: str) -> None:
        for _ in range(REDIRECTS + 1):
            parts = self._checked(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            connection = _connection(self, parts.scheme, str(parts.hostname), port)
            with closing(connection):
                path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
                query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?[]") if parts.query else ""
                headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "segdemo"}
                connection.request("GET", path + query, headers=headers)
                answer = connection.getresponse()
                if answer.status in _REDIRECTS:
                    url = urljoin(url, answer.getheader("location") or "")
                    continue
                self._take(answer)
                return
        raise self._refused(f"its address leads on more than {REDIRECTS} times")

    def _checked(self, url: str) -> SplitResult:
        """The parts of an address that may be asked. Raises ``SegdemoError``."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self._refused("its address cannot be one") from None
        if len(url) > LENGTH or parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._refused("its address cannot be one, or leads to one that cannot")
        if parts.username is not None or parts.password is not None:
            raise self._refused("its address has a name or password in it")
        if port is not None and port not in PORTS:
            raise self._refused(f"port {port} is not one that photos are served at")
        return parts

    def _take(self, answer: http.client.HTTPResponse) -> None:
        limit = settings().max_file_bytes
        if answer.status != 200:
            raise self._refused(f"its address answers {answer.status}")
        if answer.getheader("content-encoding", "identity").lower() != "identity":
            raise self._refused("it comes compressed, which was not asked for")
        length = answer.getheader("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > limit:
            raise SegdemoError(f"The {self._what} is larger than {limit / 1e6:g} MB: save it smaller.")
        while len(self.content) <= limit and not self._stopped:
            chunk = answer.read1(min(_CHUNK, limit + 1 - len(self.content)))
            if not chunk:
                return
            with self._lock:
                # Whoever gave up has given the memory back.
                if not self._stopped and not self._share.take(len(chunk)):
                    raise SegdemoError(BUSY)
            self.content += chunk

    def _refused(self, why: str) -> SegdemoError:
        return SegdemoError(f"The {self._what} could not be fetched: {why}. Upload it instead.")


def _first(addresses: Iterable[str], port: int, seconds: float) -> socket.socket:
    """A connection to the first address that takes one. Raises ``OSError``."""
    failed = OSError("there is no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            failed = error
    raise failed


def _connection(fetch: _Fetch, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    seconds = settings().url_seconds

    class Checked(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = fetch.connected(host, port, seconds)

    class CheckedTls(http.client.HTTPSConnection):
        def connect(self) -> None:
            plain = fetch.connected(host, port, seconds)
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)

    return CheckedTls(host, port, timeout=seconds) if scheme == "https" else Checked(host, port, timeout=seconds)
