"""``kill -9`` at ten moments, and what is left after the next start: ``python -m benchmarks.robustness.kills``."""

import argparse
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from benchmarks.robustness.files import many_scans, photo
from benchmarks.robustness.server import Server, family
from benchmarks.robustness.visitor import Visitor

HERE = Path(__file__).parents[2]


def _behind(work: Callable[[], object], seconds: float) -> None:
    """Start something whose end nobody waits for, and look away for a while."""

    def quietly() -> None:
        with suppress(httpx.HTTPError, KeyError, OSError):
            work()

    threading.Thread(target=quietly, daemon=True).start()
    time.sleep(seconds)


def _starting(server: Server) -> None:
    time.sleep(1.5)


def _warming_up(server: Server) -> None:
    server.wait_until_up(warm=False)


def _converting(server: Server) -> None:
    server.wait_until_up(warm=False)
    time.sleep(15)


def _idle(server: Server) -> None:
    server.wait_until_up()


def _within_an_upload(server: Server) -> None:
    server.wait_until_up(warm=False)
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 9000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=files; filename=a\r\n\r\n"
        + bytes(500_000)
    )
    time.sleep(0.5)


def _after_an_upload(server: Server) -> None:
    server.wait_until_up(warm=False)
    Visitor(server.url).upload(photo(1))


def _decoding(server: Server) -> None:
    server.wait_until_up(warm=False)
    _behind(lambda: Visitor(server.url).run(many_scans(90)), 1.5)


def _within_a_run(server: Server) -> None:
    server.wait_until_up()
    _behind(lambda: Visitor(server.url).run(photo(2, 3000, 2000), size="960"), 1.0)


def _within_a_call(server: Server) -> None:
    server.wait_until_up()
    _behind(lambda: Visitor(server.url).segment(photo(3, 3000, 2000), crf=True), 1.5)


def _after_a_call(server: Server) -> None:
    server.wait_until_up()
    Visitor(server.url).segment(photo(4))


MOMENTS: dict[str, Callable[[Server], None]] = {
    "while it starts": _starting,
    "while it warms up": _warming_up,
    "while it converts": _converting,
    "idle": _idle,
    "within an upload": _within_an_upload,
    "after an upload": _after_an_upload,
    "while it decodes": _decoding,
    "within a run": _within_a_run,
    "within a call": _within_a_call,
    "after a call": _after_a_call,
}


def main() -> None:
    """Kill a server at each moment, start the next in the same folders, and print what is left of the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, default=HERE)
    tree = parser.parse_args().tree.resolve()
    with tempfile.TemporaryDirectory(prefix="segdemo-kills-", ignore_cleanup_errors=True) as name:
        temp = Path(name)
        for moment, get_there in MOMENTS.items():
            first = Server(tree, settings={}, temp=temp)
            get_there(first)
            members = family(first.process.pid)
            left = [path for path in first.files() if path.suffix != ".log"]
            first.process.kill()
            first.process.wait()
            time.sleep(4)
            orphans = sum(_lives(pid) for pid in members)
            second = Server(tree, settings={}, temp=temp).wait_until_up(warm=False)
            still = [path for path in left if path.exists()]
            served = sum(httpx.get(f"{second.url}/gradio_api/file={path}").status_code == 200 for path in left)
            making = len(list(temp.glob("cache/**/.making-*")))
            code = second.stop()
            print(
                f"| {moment} | {orphans} of {len(members) - 1} processes live on | {len(still)} of {len(left)} files "
                f"are left, {served} served, {making} half made | exit {code} |",
                flush=True,
            )


def _lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" not in status.read_text()


if __name__ == "__main__":
    main()
