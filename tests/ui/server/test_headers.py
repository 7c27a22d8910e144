"""Browsers are told what the page may do, other sites get nothing, and a stranger's forwarded headers do not count."""

import httpx
import pytest

from segdemo.settings import settings
from segdemo.ui.server import headers

PUBLIC = {"host": "demo.example.org"}


def test_the_page_may_talk_to_nobody_else(http: httpx.Client) -> None:
    answer = http.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'self' https://huggingface.co" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("route", ["/config", "/gradio_api/info"])
def test_data_is_not_stored(http: httpx.Client, route: str) -> None:
    answer = http.get(route)
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_refusals_have_the_headers_too(http: httpx.Client) -> None:
    answer = http.get("/no/such")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
@pytest.mark.parametrize("host", [PUBLIC, {}], ids=["public", "local"])
def test_no_origin_is_reflected(http: httpx.Client, origin: str, host: dict[str, str]) -> None:
    answers = [
        http.get("/config", headers={"origin": origin, **host}),
        http.post("/gradio_api/queue/join", json={"data": []}, headers={"origin": origin, **host}),
        http.options(
            "/gradio_api/queue/join", headers={"origin": origin, "access-control-request-method": "POST", **host}
        ),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 403]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_origins_that_the_host_names_are_let_in(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = settings().model_copy(update={"allowed_origins": ["https://friend.example"]})
    monkeypatch.setattr(headers, "settings", lambda: changed)
    origin = {"origin": "https://friend.example", "sec-fetch-site": "cross-site"}
    answer = http.options("/gradio_api/queue/join", headers={**origin, "access-control-request-method": "POST"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    assert "access-control-allow-credentials" not in answer.headers
    assert http.get("/config", headers=origin).headers["access-control-allow-origin"] == "https://friend.example"


def test_pages_of_other_sites_may_not_act(http: httpx.Client) -> None:
    body = {"data": {}, "component_id": 1, "session_hash": "a", "fn_name": "noop"}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 404), ("none", 404)):
        answer = http.post("/gradio_api/component_server", json=body, headers={"sec-fetch-site": site})
        assert (answer.status_code == 403) == (status == 403), site


def test_a_strangers_forwarded_host_is_not_the_root(http: httpx.Client) -> None:
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-gradio-server": "http://evil.example",
    }
    assert "evil.example" not in http.get("/config", headers=forged).text
    assert "evil.example" not in http.get("/", headers=forged).text
    assert "evil.example" not in http.get("/gradio_api/info", headers=forged).text


def test_the_hosts_proxy_says_which_host_it_is(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "trusted_proxies", lambda: 1)
    said = {"x-forwarded-host": "evil.example, demo.example.org", "x-forwarded-proto": "https"}
    assert http.get("/config", headers=said).json()["root"] == "https://demo.example.org"


@pytest.mark.parametrize("host", ["][", "a b", "<script>", "a,b", "x:port", "user@x", "", "é"])
def test_a_host_that_is_none_is_refused(http: httpx.Client, host: str) -> None:
    answer = http.get("/config", headers=[("host", host.encode("latin-1"))])
    assert (answer.status_code, "host" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1:7860", "[::1]:80", "my-space.hf.space"])
def test_a_host_is_taken(http: httpx.Client, host: str) -> None:
    assert http.get("/config", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=9-1", "x=1", "bytes=" + ",".join(["0-"] * 5000)])
def test_files_are_sent_whole(http: httpx.Client, asked: str) -> None:
    (path,) = http.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 100)}).json()
    answer = http.get(f"/gradio_api/file={path}", headers={"range": asked, "if-range": "x"})
    assert (answer.status_code, answer.content) == (200, b"x" * 100)
