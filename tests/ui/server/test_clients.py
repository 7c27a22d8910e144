"""Clients are told apart by what cannot be forged, and each has so many requests a minute."""

from contextlib import ExitStack

import httpx
import pytest

from segdemo.settings import settings
from segdemo.ui.server import clients
from segdemo.ui.server.clients import MAX_CLIENTS, Rates, client_of


def _with_proxies(monkeypatch: pytest.MonkeyPatch, count: int | None) -> None:
    changed = settings().model_copy(update={"trusted_proxies": count})
    monkeypatch.setattr(clients, "settings", lambda: changed)
    monkeypatch.delenv("SPACE_ID", raising=False)


def _forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


def test_without_a_proxy_the_header_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_proxies(monkeypatch, None)
    assert client_of("10.0.0.1", _forwarded("8.8.8.8")) == "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "values", "expected"),
    [
        (1, ["6.6.6.6, 7.7.7.7"], "7.7.7.7"),
        (1, ["6.6.6.6", "7.7.7.7"], "7.7.7.7"),
        (2, ["5.5.5.5, 6.6.6.6, 7.7.7.7"], "6.6.6.6"),
        (3, ["7.7.7.7"], "7.7.7.7"),
        (1, [], "10.0.0.1"),
    ],
)
def test_the_hosts_proxies_are_believed(
    monkeypatch: pytest.MonkeyPatch, proxies: int, values: list[str], expected: str
) -> None:
    _with_proxies(monkeypatch, proxies)
    assert client_of("10.0.0.1", _forwarded(*values)) == expected


def test_a_space_has_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_proxies(monkeypatch, None)
    monkeypatch.setenv("SPACE_ID", "someone/segdemo")
    assert client_of("10.0.0.1", _forwarded("8.8.8.8")) == "8.8.8.8"


def test_of_ipv6_the_network_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_proxies(monkeypatch, None)
    assert client_of("2001:db8::1", []) == client_of("2001:db8::ffff:2", []) == "2001:db8::/64"
    assert client_of("::ffff:1.2.3.4", []) == "1.2.3.4"


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    rates = Rates(60, clock=lambda: now[0])
    assert [rates.wait("a") for _ in range(60)] == [0.0] * 60
    assert rates.wait("a") == pytest.approx(1.0)
    assert rates.wait("b") == 0.0
    now[0] = 1.5
    assert rates.wait("a") == 0.0
    assert rates.wait("a") == pytest.approx(0.5)
    now[0] = 1000.0
    assert [rates.wait("a") for _ in range(61)].count(0.0) == 60


def test_counts_are_bounded() -> None:
    rates = Rates(60)
    for index in range(MAX_CLIENTS + 50):
        rates.wait(str(index))
    assert len(rates._buckets) == MAX_CLIENTS


def test_the_server_says_when_to_come_again(
    http: httpx.Client, blocks: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = blocks.app.middleware_stack  # type: ignore[attr-defined]
    monkeypatch.setattr(gate, "rates", Rates(5))
    # A header that any client can write does not make another client of it.
    statuses = [
        http.get("/gradio_api/info", headers={"x-forwarded-for": f"1.2.3.{index}"}).status_code for index in range(7)
    ]
    assert statuses == [200] * 5 + [429] * 2
    answer = http.get("/gradio_api/info")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "requests in a minute" in answer.json()["error"]
    assert http.get("/theme.css").status_code == 200


def test_scripts_and_styles_have_a_limit_of_their_own(
    http: httpx.Client, blocks: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = blocks.app.middleware_stack  # type: ignore[attr-defined]
    monkeypatch.setattr(gate, "static_rates", Rates(2))
    assert [http.get("/theme.css").status_code for _ in range(3)] == [200, 200, 429]
    assert http.get("/gradio_api/info").status_code == 200


def test_so_many_requests_are_under_way(port: int, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings().model_copy(update={"client_connections": 2})
    monkeypatch.setattr("segdemo.ui.server.gate.settings", lambda: few)
    with ExitStack() as stack:
        streams = [
            stack.enter_context(http.stream("GET", f"/gradio_api/heartbeat/{name}")).iter_bytes() for name in "ab"
        ]
        assert all(next(stream) for stream in streams)
        answer = http.get("/gradio_api/info")
        assert (answer.status_code, "at once" in answer.json()["error"]) == (429, True)
