"""Fetching what a caller names: from public addresses alone, whatever the address, its name or a redirect says."""

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from segdemo.errors import SegdemoError
from segdemo.settings import settings
from segdemo.ui.server import fetching
from segdemo.ui.server.budget import Budget
from segdemo.ui.server.fetching import fetched, is_public

REFUSED = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.9.1", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1",
    "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001:db8::1", "2001::1", "2001:0:7f00:1::", "2002:7f00:1::1",
    "2002:a00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "", "example.org", "0x7f000001", "2130706433",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "151.101.1.140", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_on_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


class Site(http.server.BaseHTTPRequestHandler):
    """A site with a file, redirects, and answers that are of no use."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/photo.jpg":
            self._send(200, b"a photo", {"content-length": "7"})
        elif path == "/agent":
            self._send(200, "; ".join(f"{name}={value}" for name, value in sorted(self.headers.items())).encode())
        elif path.startswith("/to/"):
            self._send(302, b"", {"location": self.path.removeprefix("/to/")})
        elif path == "/large":
            self._send(200, b"x" * 5000)
        elif path == "/claims":
            self._send(200, b"x", {"content-length": "123456789"})
        elif path == "/packed":
            self._send(200, b"x", {"content-encoding": "gzip"})
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x")
                time.sleep(0.02)
        else:
            self._send(404, b"no")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def names(port: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and what they stand for; public ones lead to the site."""
    known = {"photos.example": ["93.184.216.34"], "inside.example": ["10.0.0.1"], "both.example": ["1.1.1.1", "::1"]}
    real, made = socket.getaddrinfo, socket.create_connection

    def resolve(host: str, *rest: Any, **options: Any) -> Any:
        if host.endswith(".invalid"):
            raise socket.gaierror("no such name")
        if host not in known:
            return real(host, *rest, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in known[host]]

    def connect(address: tuple[str, int], *rest: Any, **options: Any) -> Any:
        assert is_public(address[0]), address
        return Elsewhere(made(("127.0.0.1", port), *rest, **options))

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    return known


class Elsewhere:
    """A connection that says it is to another machine."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def getpeername(self) -> tuple[str, int]:
        return "93.184.216.34", 80


@pytest.fixture
def fetch(names: dict[str, list[str]]) -> Callable[..., bytes]:
    budget = Budget(1_000_000)

    def fetch(url: str, check: Callable[[], None] = lambda: None) -> bytes:
        try:
            return fetched(url, "photo", share=budget.share_of("a"), check=check)
        finally:
            assert budget.held == 0

    return fetch


def test_a_file_is_fetched_as_it_is(fetch: Callable[..., bytes]) -> None:
    assert fetch("http://photos.example/photo.jpg") == b"a photo"
    assert fetch("HTTP://photos.example:80/to//photo.jpg") == b"a photo"
    assert fetch("http://photos.example/photo.jpg?size=2 MP&ü#part") == b"a photo"


def test_nothing_is_told_of_anybody(fetch: Callable[..., bytes]) -> None:
    sent = fetch("http://photos.example/agent").decode()
    assert sent == "Accept=*/*; Accept-Encoding=identity; Host=photos.example; User-Agent=segdemo"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://inside.example/", "inside.example is not a public address"),
        ("http://both.example/", "both.example is not a public address"),
        ("http://localhost/", "localhost is not a public address"),
        ("http://127.0.0.1/", "not a public address"),
        ("http://127.1/", "not a public address"),
        ("http://2130706433/", "not a public address"),
        ("http://0x7f000001/", "not a public address"),
        ("http://[::1]/", "not a public address"),
        ("http://[::ffff:169.254.169.254]/latest/", "not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "not a public address"),
        ("http://photos.example/to/http://127.0.0.1/", "not a public address"),
        ("http://photos.example/to/http://inside.example/a", "inside.example is not a public address"),
        ("http://photos.example/to/file:///etc/passwd", "leads to one that cannot"),
        ("http://photos.example/to/ftp://photos.example/a", "leads to one that cannot"),
        ("http://photos.example/to/", "leads on more than 3 times"),
        ("http://photos.example:22/", "port 22 is not one"),
        ("http://photos.example:99999/", "cannot be one"),
        ("http://user:secret@photos.example/", "a name or password"),
        ("http:///photo.jpg", "cannot be one"),
        ("http://[::1/", "cannot be one"),
        ("http://photos.example/" + "a" * 3000, "cannot be one"),
        ("http://photos.example/missing", "answers 404"),
        ("http://photos.example/packed", "compressed"),
        ("http://photos.example/claims", "larger than 20 MB"),
        ("http://no-such-name.invalid/", "cannot be reached"),
    ],
)
def test_other_addresses_get_a_sentence(fetch: Callable[..., bytes], url: str, sentence: str) -> None:
    with pytest.raises(SegdemoError, match=sentence):
        fetch(url)


def test_this_machine_by_its_public_name_is_refused(
    names: dict[str, list[str]], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Elsewhere, "getpeername", lambda self: self._real.getpeername())
    with pytest.raises(SegdemoError, match=r"photos\.example is this machine"):
        fetched("http://photos.example/", "photo", share=Budget(1000).share_of(""), check=lambda: None)


def limits(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    changed = settings().model_copy(update=changes)
    monkeypatch.setattr(fetching, "settings", lambda: changed)


def test_a_file_beyond_the_limit_is_read_to_the_limit_and_one_byte(
    fetch: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, max_file_bytes=1000)
    assert len(fetch("http://photos.example/large")) == 1001


def test_memory_that_others_hold_is_not_taken(names: dict[str, list[str]]) -> None:
    with pytest.raises(SegdemoError, match="busy"):
        fetched("http://photos.example/large", "photo", share=Budget(4000).share_of(""), check=lambda: None)


def test_one_that_drips_is_cut_off(fetch: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, url_seconds=0.3)
    with pytest.raises(SegdemoError, match=r"within 0\.3 s: upload it"):
        fetch("http://photos.example/slow")


def test_whoever_gives_up_waits_no_longer(fetch: Callable[..., bytes]) -> None:
    def over() -> None:
        raise SegdemoError("Nobody wants it.")

    with pytest.raises(SegdemoError, match="Nobody wants it"):
        fetch("http://photos.example/slow", check=over)
