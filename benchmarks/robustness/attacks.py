"""Each attack on a server, and what it did: ``python -m benchmarks.robustness.attacks [--tree DIR] [NAME...]``.

Those of the first report are here, others like them in ``similar.py``.

``--tree`` is a checkout to attack, this one by default, so that versions can be compared. Every attack is bounded in
number and time, and the server is a process of its own on 127.0.0.1 with 12 GB of address space.
"""

import argparse
import json
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from benchmarks.robustness.doing import cancelled, crowd, grown, post, state
from benchmarks.robustness.files import many_pages, many_scans, photo, tiny_jpeg, tiny_png, tiny_webp
from benchmarks.robustness.server import Server, served
from benchmarks.robustness.similar import SETTINGS, SIMILAR
from benchmarks.robustness.visitor import Visitor

HERE = Path(__file__).parents[2]
Attack = Callable[[Server], str]


def tiny_files_page(server: Server) -> str:
    """40 pictures of 40 megapixels in 2 to 10 kB each, sent at once to the page."""
    kinds = (tiny_jpeg(), tiny_webp(), tiny_png())

    def send(index: int) -> str:
        message = Visitor(server.url).run(kinds[index % 3])
        return str(message.get("state")) + ": " + str(message.get("text", message.get("error", "")))[:40]

    return crowd(server, send, 40)


def tiny_files_api(server: Server) -> str:
    """The same 40, sent to the API."""
    kinds = (tiny_jpeg(), tiny_webp(), tiny_png())
    return crowd(server, lambda index: Visitor(server.url).segment(kinds[index % 3])[:60], 40)


def routes(server: Server) -> str:
    """Addresses that neither the page nor the API needs, and what they answer."""
    get = [
        "file=http://127.0.0.1:1/x",
        "proxy=http://127.0.0.1:1/x",
        "dev/reload",
        "token",
        "app_id",
        "user",
        "vibe-code",
    ]
    other = ["/monitoring", "/monitoring/summary", "/logout", "/svelte/x"]
    paths = [*(f"/gradio_api/{path}" for path in get), *other]
    statuses = []
    for path in paths:
        with suppress(httpx.HTTPError), httpx.stream("GET", server.url + path, timeout=5) as answer:
            statuses.append(answer.status_code)
    with suppress(httpx.HTTPError):
        recording = httpx.post(server.url + "/gradio_api/process_recording", files={"video": b"x"}, timeout=30)
        statuses.append(recording.status_code)
    return f"{sum(status != 404 for status in statuses)} of {len(statuses)} are there"


def large_json(server: Server) -> str:
    """300 MB of JSON for a call."""
    body = b'{"image": null, "task": "' + b"x" * 300_000_000 + b'"}'
    return grown(server, lambda: post(server, "/gradio_api/call/v2/segment", content=body))


def large_field(server: Server) -> str:
    """A form with a field of 300 MB, for one of the page's functions."""
    data = {"fn_name": b"x" * 300_000_000}
    return grown(
        server, lambda: post(server, "/gradio_api/component_server/", data=data, files={"photo": ("a.jpg", b"x")})
    )


def long_names(server: Server) -> str:
    """30 sessions with names of 20 MB."""

    def join(index: int) -> int | str:
        name = f"{index:02d}" + "s" * 20_000_000
        body = json.dumps({"data": [], "fn_index": 0, "session_hash": name}).encode()
        return post(server, "/gradio_api/queue/join", content=body)

    return grown(server, lambda: Counter(join(index) for index in range(30)))


def many_files(server: Server) -> str:
    """100 files of 2 MB in one upload."""
    before = sum(path.stat().st_size for path in server.files())
    files = [("files", (f"{index}.jpg", bytes([index]) * 2_000_000)) for index in range(100)]
    told = post(server, "/gradio_api/upload", files=files)
    kept = sum(path.stat().st_size for path in server.files()) - before
    return f"{told}, {kept / 1e6:.0f} MB on disk"


def endless_scans(server: Server) -> str:
    """A picture of 277 kB with 2,500 scans, cancelled after 2 s: how long its work goes on (looked at for 40 s)."""
    return cancelled(server, many_scans(2500))


def allowed_scans(server: Server) -> str:
    """The same with 95 scans, which are allowed."""
    return cancelled(server, many_scans(95))


def abandoned(server: Server) -> str:
    """A picture of 95 scans sent ten times to the API by callers who leave at once."""
    content = many_scans(95)
    visitor = Visitor(server.url)
    for _ in range(10):
        sent = visitor.upload(content)
        if sent.status_code == 200:
            image = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
            visitor.client.post("/gradio_api/call/v2/segment", json={"image": image})
    start = time.monotonic()
    told = visitor.run(photo(1, 64, 48))["state"]
    return f"a visitor's small photo afterwards: {told} in {time.monotonic() - start:.1f} s"


def endless_pages(server: Server) -> str:
    """A TIFF of 30,000 pages in 3 MB."""
    start = time.monotonic()
    told = Visitor(server.url).run(many_pages())
    return f"{told['state']} in {time.monotonic() - start:.1f} s"


def aborted_uploads(server: Server) -> str:
    """60 uploads that break off: files that are left a moment later."""
    before = len(server.files())
    head = (
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n\r\n"
        "--b\r\nContent-Disposition: form-data; name=files; filename=a.jpg\r\n\r\n"
    )
    for index in range(60):
        route = ("/gradio_api/upload", "/gradio_api/component_server/")[index % 2]
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.format(route).encode() + bytes(200_000))
    time.sleep(2)
    return f"{len(server.files()) - before} files left, {server.traces()} traces in the log"


def headers(server: Server) -> str:
    """What browsers are told, and whether strangers' headers are believed."""
    public = {"host": "demo.example.org", "origin": "null"}
    page, data = httpx.get(server.url + "/"), httpx.get(server.url + "/config", headers=public)
    names = ("content-security-policy", "x-content-type-options", "referrer-policy")
    missing = [name for name in names if name not in page.headers]
    missing += [] if "no-store" in data.headers.get("cache-control", "") else ["no-store"]
    forged = httpx.get(server.url + "/config", headers={"x-forwarded-host": "evil.example"}).json()["root"]
    reflected = data.headers.get("access-control-allow-origin")
    return f"missing: {', '.join(missing) or 'none'}; origin null reflected: {reflected}; root: {forged}"


def silent(server: Server) -> str:
    """50 connections that say nothing, 50 that say half a line: how many are open after 36 s."""
    opened = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(95)]
    for connection in opened[::2]:
        connection.sendall(b"GET / HTTP/1.1\r\nHost")
    time.sleep(36)
    still = 0
    for connection in opened:
        connection.setblocking(False)
        try:
            still += connection.recv(1) != b""
        except BlockingIOError:
            still += 1
        except OSError:
            pass
        connection.close()
    return f"{still} of {len(opened)} open"


def flood(server: Server) -> str:
    """3,000 requests of one client as fast as it can, each with another forged address."""
    counts: Counter[int] = Counter()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        deadline = time.monotonic() + 60
        for index in range(3000):
            if time.monotonic() > deadline:
                break
            forged = {"x-forwarded-for": f"10.0.{index // 250}.{index % 250}"}
            counts[client.get("/gradio_api/startup-events", headers=forged).status_code] += 1
    return ", ".join(f"{count} times {status}" for status, count in sorted(counts.items()))


ATTACKS: tuple[Attack, ...] = (
    tiny_files_page,
    tiny_files_api,
    routes,
    large_json,
    large_field,
    long_names,
    many_files,
    endless_scans,
    allowed_scans,
    abandoned,
    endless_pages,
    aborted_uploads,
    headers,
    silent,
    flood,
)


def signals(tree: Path, settings: dict[str, str]) -> str:
    """SIGTERM and SIGINT, two of each idle and two of each with a photo under way: exit codes and what is left."""
    told = []
    for number in (signal.SIGTERM, signal.SIGINT):
        for busy in (False, True, False, True):
            with served(tree, **settings, SEGDEMO_REQUESTS_PER_MINUTE="100000") as server:
                if busy:
                    Visitor(server.url).send(photo(2, 4000, 3000), size="960")
                    time.sleep(0.7)
                start = time.monotonic()
                code = server.stop(number)
                seconds = time.monotonic() - start
                log = server.log.read_text(errors="replace")
                bad = [word for word in ("terminate called", "Traceback") if word in log]
                left = [path for path in server.files() if path.suffix != ".log"]
                told.append(
                    f"{number.name}{' busy' if busy else ''}: {code} in {seconds:.1f} s"
                    + (f", {len(left)} files left" if left else "")
                    + (f", {bad}" if bad else "")
                )
    return "; ".join(f"{count} x {text}" for text, count in Counter(told).items())


def full_disk(tree: Path, settings: dict[str, str]) -> str:
    """Uploads, a run and a call while the disk for temporary files is full (a small tmpfs: for root on Linux)."""
    with tempfile.TemporaryDirectory(prefix="segdemo-disk-") as name:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", name], check=False).returncode:
            return "no tmpfs can be mounted here"
        try:
            places = {"SEGDEMO_TEMP_DIR": name, "GRADIO_TEMP_DIR": f"{name}/gradio", "TMPDIR": name}
            with served(tree, **settings, **places) as server:
                visitor = Visitor(server.url)
                content = photo(1, 1500, 1000, "PNG")
                (Path(name) / "filler").write_bytes(bytes(20_000_000))
                with suppress(OSError), (Path(name) / "filler2").open("wb", buffering=0) as filler:
                    while True:
                        filler.write(bytes(65_536))
                before = {path for path in Path(name).rglob("*") if path.is_file()}
                upload = visitor.upload(content)
                told = [f"upload {upload.status_code} {upload.text[:60]!r}", f"run {str(visitor.send(content))[:90]}"]
                time.sleep(3)
                left = {path for path in Path(name).rglob("*") if path.is_file()} - before
                names = ", ".join(f"{path.name} of {path.stat().st_size} bytes" for path in sorted(left))
                return f"{'; '.join(told)}; {len(left)} files left ({names}), {server.traces()} traces"
        finally:
            subprocess.run(["umount", name], check=False)


def main() -> None:
    """Run attacks, each on a fresh server, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="attacks to run; all by default")
    parser.add_argument("--tree", type=Path, default=HERE, help="the checkout whose app.py is attacked")
    parser.add_argument("--cache", type=Path, help="a folder of graphs that are converted already")
    parser.add_argument("--together", action="store_true", help="one server for many attacks, as long as it lives")
    chosen = parser.parse_args()
    tree = chosen.tree.resolve()
    with tempfile.TemporaryDirectory(prefix="segdemo-attack-cache-", ignore_cleanup_errors=True) as cache:
        # What was converted once serves the other servers, too.
        shared = {"SEGDEMO_CACHE_DIR": str(chosen.cache or cache)}
        chosen_ones = [attack for attack in (*ATTACKS, *SIMILAR) if not chosen.names or attack.__name__ in chosen.names]
        while chosen_ones:
            raised = SETTINGS.get(chosen_ones[0], {})
            with served(tree, **shared, **raised) as server:
                while chosen_ones and server.alive and SETTINGS.get(chosen_ones[0], {}) == raised:
                    attack = chosen_ones.pop(0)
                    try:
                        told = attack(server)
                    except (httpx.HTTPError, OSError, KeyError, ValueError) as error:
                        told = f"{state(server)}: {type(error).__name__} {error}"
                    print(f"| {attack.__name__} | {told} |", flush=True)
                    if not chosen.together:
                        break
        for whole in (signals, full_disk):
            if not chosen.names or whole.__name__ in chosen.names:
                print(f"| {whole.__name__} | {whole(tree, shared)} |", flush=True)


if __name__ == "__main__":
    main()
