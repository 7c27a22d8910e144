"""What attacks are made of: many visitors at once, and what a server was seen to do."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx

from benchmarks.robustness.server import Server
from benchmarks.robustness.visitor import Visitor

CROWD_SECONDS = 240


def crowd(server: Server, work: Callable[[int], str], count: int) -> str:
    """Have many visitors do something at once; what they were told, and what it cost the server."""
    start = time.monotonic()

    def tried(index: int) -> str:
        try:
            return work(index)
        except (httpx.HTTPError, KeyError, ValueError) as error:
            return type(error).__name__

    with server.watched(), ThreadPoolExecutor(count) as pool:
        done, undone = wait([pool.submit(tried, index) for index in range(count)], timeout=CROWD_SECONDS)
        answers = Counter(future.result() for future in done)
        answers[f"nothing after {CROWD_SECONDS} s"] += len(undone)
        lives = state(server)
        if undone:
            server.process.kill()
    answers = +answers
    shown = "; ".join(f"{number} x {answer!r}" for answer, number in answers.most_common(4))
    return f"{lives}, peak {server.peak:.1f} GB, {time.monotonic() - start:.0f} s: {shown}"


def post(server: Server, path: str, **options: Any) -> int | str:
    """Send something by HTTP: the status, or the error's name."""
    options.setdefault("headers", {"content-type": "application/json"} if "content" in options else {})
    try:
        return httpx.post(server.url + path, timeout=120, **options).status_code
    except httpx.HTTPError as error:
        return type(error).__name__


def grown(server: Server, attack: Callable[[], Any]) -> str:
    """Do something and say how much memory the server took and kept."""
    before = server.memory
    with server.watched():
        told = attack()
    time.sleep(2)
    shown = dict(told) if isinstance(told, Counter) else told
    return f"{shown}, {state(server)}, peak +{server.peak - before:.2f} GB, kept +{server.memory - before:.2f} GB"


def cancelled(server: Server, content: bytes) -> str:
    """Cancel a picture under way and say for how long the server went on working."""
    visitor = Visitor(server.url)
    started = visitor.send(content)
    if "ticket" not in started:
        return f"refused: {started.get('error')}"
    time.sleep(2)
    visitor.call("cancel", {"ticket": started["ticket"]})
    start = end = time.monotonic()
    said = ""
    while time.monotonic() < start + 40:
        busy = server.busy_share(0.5)
        if busy > 0.3:
            end = time.monotonic()
        elif time.monotonic() > end + 2:
            said = str(visitor.call("poll", {"ticket": started["ticket"], "version": 0}).get("text"))
            break
    over = f"{end - start:.1f} s" if said else "over 40 s"
    return f"{over} of work after it was cancelled ({said[:60]})"


def state(server: Server) -> str:
    """Whether the server still runs."""
    return "alive" if server.alive else f"dead ({server.process.returncode})"
