"""20 visitors with 1,000 mixed requests, twice: ``python -m benchmarks.robustness.load [--tree DIR] [--turns N]``.

Each visitor has a photo that nobody else has and goes through the page's tabs and the API. What comes back must be
theirs, and the same question must have the same answer of the same engine, to the bit. The rate limit is raised by its
setting.
"""

import argparse
import base64
import hashlib
import io
import json
import random
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.robustness.files import photo
from benchmarks.robustness.server import Server, served
from benchmarks.robustness.visitor import Visitor

HERE = Path(__file__).parents[2]
RAISED = {"SEGDEMO_REQUESTS_PER_MINUTE": "1000000", "SEGDEMO_CLIENT_CONNECTIONS": "10000", "SEGDEMO_QUEUE_SIZE": "100"}
LARGE = {"SEGDEMO_VISITOR_BYTES": "20000000000", "SEGDEMO_TEMP_BYTES": "20000000000"}
STEPS = ("result", "panoptic", "layers", "attention", "pixel", "refine", "run", "segment", "config")
WEIGHTS = (8, 8, 3, 10, 12, 6, 2, 2, 3)


class Walk:
    """A visitor who goes through the page at random, and what was wrong."""

    def __init__(self, server: Server, seed: int) -> None:
        self.random = random.Random(seed)
        self.visitor = Visitor(server.url, timeout=600)
        self.picture = photo(seed, 320, 240)
        self.seen: dict[str, str] = {}
        self.wrong: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {}
        self.token, self.engine = "", ""

    def go(self, steps: int) -> "Walk":
        """Take so many steps."""
        self._timed("run")
        for _ in range(steps - 1):
            self._timed(self.random.choices(STEPS, WEIGHTS)[0])
        return self

    def _timed(self, name: str) -> None:
        start = time.monotonic()
        try:
            self._step(name)
        except (httpx.HTTPError, KeyError, ValueError) as error:
            self.wrong[f"{name}: {type(error).__name__}"] += 1
        self.seconds.setdefault(name, []).append(time.monotonic() - start)

    def _step(self, name: str) -> None:
        if name == "run":
            message = self.visitor.run(self.picture, size="320", previous=self.token)
            if message.get("state") != "done":
                self.wrong[f"run: {message.get('text') or message.get('error')}"[:80]] += 1
                return
            self.token = message["token"]
            self._step("result")
        elif name == "segment":
            event = self.visitor.segment(self.picture, size="320", task="panoptic")
            if not event.startswith("event: complete"):
                self.wrong[f"segment: {event[:60]}"] += 1
        elif name == "config":
            self._ask("config", {})
        else:
            self._ask(name, {"token": self.token, **self._arguments(name)})

    def _arguments(self, name: str) -> dict[str, Any]:
        pick = self.random.choice
        if name == "attention":
            return {"layer": pick([1, 2, 3]), "query": pick(range(5))}
        if name == "pixel":
            return {"x": pick([0.1, 0.5, 0.9]), "y": pick([0.2, 0.8])}
        if name == "panoptic":
            return {"score_threshold": pick([0.1, 0.5, 0.8])}
        if name == "refine":
            return {"refine": {"operation": pick(["open", "close"]), "size": pick([3, 5])}}
        return {}

    def _ask(self, name: str, arguments: dict[str, Any]) -> None:
        answer = self.visitor.call(name, arguments)
        if "error" in answer or "gone" in answer:
            self.wrong[f"{name}: {answer.get('error', 'gone')}"[:80]] += 1
            return
        if name == "result" and not self._is_mine(answer["photo"]["src"]):
            self.wrong["result: somebody else's photo"] += 1
        for changing in ("token", "seconds", "name"):
            answer.pop(changing, None)
        if isinstance(answer.get("refined"), dict):
            answer["refined"].pop("seconds", None)
        # A converted graph takes over once it is ready, and differs in the last bits.
        self.engine = answer.get("engine", self.engine)
        question = json.dumps([name, self.engine, {key: value for key, value in arguments.items() if key != "token"}])
        found = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
        if self.seen.setdefault(question, found) != found:
            self.wrong[f"{name}: another answer to the same question"] += 1

    def _is_mine(self, source: str) -> bool:
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))), dtype=float)
        mine = np.asarray(Image.open(io.BytesIO(self.picture)), dtype=float)
        return shown.shape == mine.shape and float(np.abs(shown - mine).mean()) < 10


def main() -> None:
    """Let the visitors in, twice, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, default=HERE)
    parser.add_argument("--cache", type=Path, help="a folder of graphs that are converted already")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--turns", type=int, default=2)
    chosen = parser.parse_args()
    cache = {"SEGDEMO_CACHE_DIR": str(chosen.cache)} if chosen.cache else {}
    with served(chosen.tree.resolve(), **RAISED, **LARGE, **cache) as server:
        server.wait_until_converted()
        held = []
        for turn in range(1, chosen.turns + 1):
            start = time.monotonic()
            with ThreadPoolExecutor(chosen.visitors) as pool:
                walks = list(pool.map(lambda seed: Walk(server, seed).go(chosen.steps), range(chosen.visitors)))
            time.sleep(3)
            held.append(server.memory)
            wrong: Counter[str] = sum((walk.wrong for walk in walks), Counter())
            engines = sorted({json.loads(question)[1] for walk in walks for question in walk.seen} - {""})
            print(
                f"turn {turn}, {', '.join(engines)}: {chosen.visitors * chosen.steps} steps "
                f"in {time.monotonic() - start:.0f} s, {sum(wrong.values())} wrong {dict(wrong)}, "
                f"{held[-1]:.2f} GB afterwards, {server.traces()} traces"
            )
            for name in STEPS:
                times = [second for walk in walks for second in walk.seconds.get(name, [])]
                if times:
                    print(
                        f"  {name}: {len(times)} times, median {statistics.median(times):.2f} s, max {max(times):.1f} s"
                    )
        print(f"memory from the first turn to the last: {100 * (held[-1] / held[0] - 1):+.1f} %")


if __name__ == "__main__":
    main()
