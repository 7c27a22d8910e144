"""Starts ``app.py`` of a checkout as a process of its own, under a limit of memory, and watches what it uses."""

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx

ADDRESS_SPACE = 12_000_000_000
START_SECONDS = 400
QUIET_SECONDS = 90


def family(pid: int) -> list[int]:
    """A process and its descendants that live (Linux)."""
    found = [pid]
    for member in found:
        for listed in Path(f"/proc/{member}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in listed.read_text().split()]
    return found


def _limit(address_space: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


class Server:
    """A server that runs; ``url`` is where."""

    def __init__(self, tree: Path, *, settings: dict[str, str], temp: Path, limit: int = ADDRESS_SPACE) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.temp = temp
        self.log = temp / "server.log"
        environment = {**os.environ, "PYTHONPATH": str(tree), "HF_HUB_OFFLINE": "1", "TMPDIR": str(temp)}
        environment |= {"SEGDEMO_CACHE_DIR": str(temp / "cache"), "SEGDEMO_CHECKPOINT": "embedded", **settings}
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(self.port)],
            cwd=tree,
            env=environment,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            preexec_fn=partial(_limit, limit),
        )
        self.peak = 0.0
        self._watching = threading.Event()

    def wait_until_up(self, *, warm: bool = True) -> "Server":
        """Wait until it answers, and with ``warm`` a while for it to have nothing to do of its own."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.alive:
            try:
                if httpx.get(self.url + "/config", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        else:
            raise RuntimeError(f"the server did not start: {self.log.read_text()[-2000:]}")
        deadline = time.monotonic() + QUIET_SECONDS
        quiet, before = 0, self._busy_seconds()
        while warm and quiet < 4 and time.monotonic() < deadline:
            time.sleep(0.5)
            now = self._busy_seconds()
            quiet, before = (quiet + 1 if now - before < 0.1 else 0), now
        return self

    def wait_until_converted(self, seconds: float = 300) -> None:
        """Wait for the end of a conversion that runs beside it: results before and after come from other engines."""
        deadline = time.monotonic() + seconds
        while self._converts() and time.monotonic() < deadline:
            time.sleep(0.5)

    def _converts(self) -> bool:
        for pid in family(self.process.pid):
            with suppress(OSError):
                if b"segdemo.export.graphs" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return True
        return False

    def _busy_seconds(self) -> float:
        """Processor time of the server and its children, in seconds (Linux)."""
        total = 0
        for pid in family(self.process.pid):
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def busy_share(self, seconds: float) -> float:
        """How many cores it uses, looked at for so long."""
        before, start = self._busy_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self._busy_seconds() - before) / (time.monotonic() - start)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    @property
    def memory(self) -> float:
        """Resident memory of the process and its children, in GB; 0 where it is gone."""
        return sum(_resident(pid) for pid in family(self.process.pid)) / 1e9

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the highest memory seen inside in ``peak``."""
        self.peak = self.memory
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                self.peak = max(self.peak, self.memory)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def files(self) -> list[Path]:
        """Files that lie in its temporary folders."""
        skipped = {self.log, *self.temp.glob("*.lock")}
        return [
            path
            for path in self.temp.rglob("*")
            if path.is_file() and path not in skipped and path.name != "in-use.lock" and "cache" not in path.parts
        ]

    def traces(self) -> int:
        """How many traces the log holds."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Send a signal and return the exit code; after ``seconds`` it is killed."""
        if self.alive:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def served(tree: Path, *, warm: bool = True, **settings: str) -> Iterator[Server]:
    """A server of ``tree`` with ``settings`` in its environment, in a temporary folder of its own."""
    with tempfile.TemporaryDirectory(prefix="segdemo-attack-", ignore_cleanup_errors=True) as name:
        server = Server(tree, settings=settings, temp=Path(name))
        try:
            yield server.wait_until_up(warm=warm)
        finally:
            server.stop()
