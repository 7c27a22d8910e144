"""Attacks like those of the first report: other formats, slow hands, many names, and what is kept for nobody."""

import base64
import io
import json
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.robustness.files import many_scans, photo, tiny_jpeg
from benchmarks.robustness.server import Server
from benchmarks.robustness.visitor import Visitor

ANOTHER = "127.0.0.2"
"""Where somebody else comes from."""
PATIENCE = 120


def _somebody_else(server: Server) -> str:
    """What somebody at another address gets for a small photo meanwhile."""
    start = time.monotonic()
    try:
        message = Visitor(server.url, timeout=PATIENCE, address=ANOTHER).run(photo(1, 320, 240), size="320")
        said = str(message.get("state")) + ("" if message.get("state") == "done" else f" {message.get('text')}"[:60])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        said = type(error).__name__
    return f"somebody else's small photo: {said} in {time.monotonic() - start:.1f} s"


def other_formats(server: Server) -> str:
    """Pictures of 65,535 x 65,535 pixels, or nearly, in a few bytes: GIF, BMP, TIFF, PNG, WebP, a TIFF that loops."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def tiff(following: int) -> bytes:
        entries = [(256, 4, 65535), (257, 4, 65535), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 1)]
        lines = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + lines + struct.pack("<I", following)

    webp = io.BytesIO()
    Image.new("RGB", (16383, 16383)).save(webp, "WEBP", lossless=True, method=0)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x08\x01\x00\x00;"
    files = {
        "GIF": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + frame,
        "GIF, small screen": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame,
        "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 65535, 65535, 1, 24, 0, 0, 0, 0, 0, 0),
        "TIFF": tiff(0),
        "TIFF that loops": tiff(8),
        "PNG": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b""),
        "WebP": webp.getvalue(),
    }
    before = server.memory
    with server.watched():
        answers = {name: str(Visitor(server.url).run(content)) for name, content in files.items()}
    bad = [name for name, answer in answers.items() if "too many" not in answer and "megapixels" not in answer]
    wrong = [name for name, answer in answers.items() if "Something went wrong" in answer or "done" in answer]
    return (
        f"{len(answers) - len(bad)} of {len(answers)} refused for their pixels, {len(bad) - len(wrong)} as damaged, "
        f"wrong: {wrong or 'none'}; peak +{server.peak - before:.2f} GB"
    )


def slow_uploads(server: Server) -> str:
    """30 uploads of 19 MB from one address that stop before their end."""
    head = (
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 19500000\r\n\r\n--b\r\nContent-Disposition: form-data; name=files; filename=a.jpg\r\n\r\n"
    )
    held = []
    for _ in range(30):
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.settimeout(5)
        with suppress(OSError):
            connection.sendall(head + bytes(19_000_000))
        held.append(connection)
    told = _somebody_else(server)
    for connection in held:
        connection.close()
    return told


def many_names(server: Server) -> str:
    """40 photos of 12 megapixels from one address, under 40 names."""
    content = photo(2, 4000, 3000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: Visitor(server.url).send(content, size="960", visitor=f"v{index}"), range(40)))
    return _somebody_else(server)


def hard_pictures(server: Server) -> str:
    """40 pictures of 95 scans each (4 s of decoding) from one address, under 40 names."""
    content = many_scans(95)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: Visitor(server.url).send(content, visitor=f"v{index}"), range(40)))
    return _somebody_else(server)


def crf_downloads(server: Server) -> str:
    """20 downloads of a CRF of 20 steps over 24 megapixels at once, all cancelled after 2 s."""
    visitor = Visitor(server.url)
    token = visitor.run(photo(3, 6000, 4000), size="320")["token"]
    asked = {"token": token, "task": "semantic", "kind": "idmap", "refine": {"crf": True, "iterations": 20}}
    before = server.memory
    with server.watched():
        tickets = [visitor.call("start_download", asked).get("ticket") for _ in range(20)]
        time.sleep(2)
        for ticket in filter(None, tickets):
            visitor.call("cancel", {"ticket": ticket})
        start = end = time.monotonic()
        while end + 2 > time.monotonic() and time.monotonic() < start + PATIENCE:
            if server.busy_share(0.5) > 0.3:
                end = time.monotonic()
    over = f"over {PATIENCE} s" if time.monotonic() >= start + PATIENCE else f"{end - start:.1f} s"
    return f"{over} of work after they were cancelled, peak +{server.peak - before:.2f} GB"


def crf_download(server: Server) -> str:
    """One of them that nobody cancels: what its visitor is told, and when."""
    visitor = Visitor(server.url)
    token = visitor.run(photo(3, 6000, 4000), size="320")["token"]
    asked = {"token": token, "task": "semantic", "kind": "idmap", "refine": {"crf": True, "iterations": 20}}
    start = time.monotonic()
    message = visitor.follow(visitor.call("start_download", asked)["ticket"])
    return f"{message.get('state')} {str(message.get('text', ''))[:90]!r} after {time.monotonic() - start:.1f} s"


def large_call(server: Server) -> str:
    """A call with a picture of 40 megapixels, and what somebody else waits meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lambda: Visitor(server.url).segment(tiny_jpeg())[:15])
        time.sleep(2)
        waited = _somebody_else(server)
        return f"{waited}; the call: {call.result()!r}"


def many_calls(server: Server) -> str:
    """120 calls of the API with 12 megapixels each, from one address, whose answers nobody fetches."""
    visitor = Visitor(server.url)
    path = visitor.upload(photo(2, 4000, 3000)).json()[0]
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for _ in range(120):
        visitor.client.post("/gradio_api/call/v2/segment", json={"image": image, "size": "960"})
    start = time.monotonic()
    other = Visitor(server.url, timeout=PATIENCE, address=ANOTHER)
    try:
        told = other.segment(photo(1, 320, 240), size="320")[:30].split("\n")[0]
    except httpx.HTTPError as error:
        told = type(error).__name__
    return f"somebody else's small call: {told} in {time.monotonic() - start:.1f} s"


def unread(server: Server) -> str:
    """20 connections that ask for 19 MB and take none of it, after 70 s."""
    visitor = Visitor(server.url)
    path = visitor.upload(bytes(19_000_000)).json()[0]
    opened = []
    for _ in range(20):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(f"GET /gradio_api/file={path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        opened.append(connection)
    time.sleep(100)
    states = Counter(_states(server.port))
    for connection in opened:
        connection.close()
    return f"{states['01']} of {len(opened)} are open after 100 s"


def _states(port: int) -> list[str]:
    """States of the server's side of the connections to a port (Linux, ``/proc/net/tcp``)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [fields[3] for fields in lines if int(fields[1].rpartition(":")[2], 16) == port]


def ranges(server: Server) -> str:
    """A small file with 10,000 ranges asked for at once, and hosts that are none."""
    visitor = Visitor(server.url)
    path = visitor.upload(bytes(100_000)).json()[0]
    many = {"range": "bytes=" + ",".join(["0-"] * 10_000)}
    start = time.monotonic()
    answer = visitor.client.get(f"/gradio_api/file={path}", headers=many)
    hosts = Counter(visitor.client.get("/config", headers={"host": host}).status_code for host in ("][", "a b", "<x>"))
    return f"{answer.status_code} in {time.monotonic() - start:.2f} s; hosts that are none: {dict(hosts)}"


def small_files(server: Server) -> str:
    """600 uploads of 10 bytes where a client may have 20 MB: how many are kept."""
    visitor = Visitor(server.url)
    statuses = Counter(visitor.upload(bytes(10)).status_code for _ in range(600))
    return f"{dict(statuses)}, {len(server.files())} on disk"


def unfetched(server: Server) -> str:
    """400 calls with 1 MB of base64 that is no picture, whose answers nobody fetches: memory that stays."""
    visitor = Visitor(server.url)
    body = {"image": "data:image/png;base64," + base64.b64encode(bytes(1_000_000)).decode()}
    visitor.client.post("/gradio_api/call/v2/segment", json=body)
    time.sleep(2)
    before = server.memory
    statuses = Counter(visitor.client.post("/gradio_api/call/v2/segment", json=body).status_code for _ in range(400))
    time.sleep(5)
    return f"{dict(statuses)}, kept +{server.memory - before:.2f} GB"


def header_bombs(server: Server) -> str:
    """50 connections that send 20 MB of headers each."""
    before = server.memory

    def bomb(_: int) -> str:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.settimeout(10)
            try:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
                for _ in range(20):
                    connection.sendall(b"x: " + b"y" * 1_000_000 + b"\r\n")
            except OSError:
                return "cut off"
        return "taken"

    with server.watched(), ThreadPoolExecutor(10) as pool:
        told = Counter(pool.map(bomb, range(50)))
    return f"{dict(told)}, peak +{server.peak - before:.2f} GB"


def wrong_kinds(server: Server) -> str:
    """Each option of a call with 19 values of wrong kinds: answers without a sentence."""
    visitor = Visitor(server.url, timeout=30)
    path = visitor.upload(photo(1, 64, 48)).json()[0]
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    named = visitor.client.get("/gradio_api/info").json()["named_endpoints"]["/segment"]["parameters"]
    names = [entry["parameter_name"] for entry in named]
    nan, huge = float("nan"), float("inf")
    kinds = [True, -1, 0, 1e308, 10**40, nan, huge, -huge, "x", "", "\ud800", "a" * 5000, [], [1], [[1]], {}, {"a": 1}]
    silent, tried, codes = [], 0, Counter[int]()
    for name in names:
        for value in kinds:
            tried += 1
            content = json.dumps({"image": image, "size": "320", name: value}).encode()
            sent = visitor.client.post("/gradio_api/call/v2/segment", content=content, headers=JSON)
            codes[sent.status_code] += 1
            if sent.status_code != 200:
                silent += [name] if sent.status_code >= 500 else []
                continue
            text = visitor.client.get(f"/gradio_api/call/segment/{sent.json()['event_id']}").text
            if "event: error" in text and ('"error": null' in text or "Something went wrong" in text):
                silent.append(name)
    return f"{len(silent)} of {tried} without a sentence {dict(Counter(silent).most_common(3))}"


JSON = {"content-type": "application/json"}
SIMILAR: tuple[Callable[[Server], str], ...] = (
    other_formats,
    slow_uploads,
    many_names,
    hard_pictures,
    crf_downloads,
    crf_download,
    large_call,
    many_calls,
    unread,
    ranges,
    small_files,
    unfetched,
    header_bombs,
    wrong_kinds,
)
_RAISED = {"SEGDEMO_REQUESTS_PER_MINUTE": "100000"}
SETTINGS: dict[Callable[[Server], str], dict[str, str]] = {
    **dict.fromkeys(SIMILAR, _RAISED),
    small_files: {**_RAISED, "SEGDEMO_VISITOR_BYTES": "20000000"},
}
"""The rate limit is raised, which would end most of these at once."""
