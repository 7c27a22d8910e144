"""What the measurements share: the time that is left, a table that is written as it grows, inputs, medians, memory."""

import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

PASSES = 10
Pixels = npt.NDArray[np.float32]


@dataclass
class Clock:
    """How long the command may still take."""

    end: float

    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether a part that takes about so long may begin."""
        return self.left() > seconds


class Table:
    """Markdown, written as soon as there is a row."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out

    def say(self, line: str = "") -> None:
        """A line, here and in the file."""
        for stream in filter(None, (sys.stdout, self._out)):
            print(line, file=stream, flush=True)

    def head(self, title: str, *columns: str) -> None:
        """The head of a table."""
        self.say(f"\n## {title}\n")
        self.row(*columns)
        self.row(*("---" if index == 0 else "--:" for index in range(len(columns))))

    def row(self, *cells: str) -> None:
        """A row of it."""
        self.say(f"| {' | '.join(cells)} |")


def pictures(count: int, size: tuple[int, int]) -> Pixels:
    """Inputs (count, 3, H, W): smooth waves of many lengths, as photographs are smooth, each picture others."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    generator = np.random.default_rng(0)
    waves = generator.uniform(-1, 1, (count, 3, 24, 4))
    length = 2.0 ** np.arange(24).reshape(24, 1, 1) ** 0.5
    made = [
        [
            sum(
                w[3] / scale * np.sin(2 * np.pi * scale * (w[0] * x + w[1] * y) + 9 * w[2])
                for w, scale in zip(channel, length, strict=True)
            )
            for channel in picture
        ]
        for picture in waves
    ]
    return np.asarray(made, np.float32)


def median(run: Callable[[], Any], wait: Callable[[], None], clock: Clock) -> float:
    """Median seconds of a pass, after two that warm up; fewer passes where time is short."""
    for _ in range(2):
        run()
    wait()
    found: list[float] = []
    while len(found) < PASSES and (not found or clock.left() > 5):
        start = time.perf_counter()
        run()
        wait()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


@contextlib.contextmanager
def memory(torch: Any, device: str) -> Iterator[Callable[[], str]]:
    """Peak memory of the card since the block began, as text."""
    if device == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    yield lambda: f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if device == "cuda" else "-"


def said(error: Exception) -> str:
    return " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split())[:160].replace("|", "/")
