"""What the benchmarks compare: the library's pipeline and this project's engines, each in its own process.

``python -m benchmarks.contenders NAME CHECKPOINT`` is such a process; `Worker` starts one and asks it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


class Contender(Protocol):
    """What a worker process can be asked; every method returns plain values, seconds as ``seconds``."""

    def semantic(self, photo: str, capture: bool) -> dict[str, Any]: ...
    def forward(self, photo: str, capture: bool) -> dict[str, Any]: ...
    def batch(self, photos: Sequence[str]) -> dict[str, Any]: ...


class Pipeline:
    """``transformers.pipeline("image-segmentation")`` as it comes; it captures nothing."""

    def __init__(self, checkpoint: str) -> None:
        from transformers import pipeline

        self.run = pipeline("image-segmentation", model=checkpoint)

    def semantic(self, photo: str, capture: bool) -> dict[str, Any]:
        start = time.perf_counter()
        found = self.run(_opened(photo), subtask="semantic")
        return {"seconds": time.perf_counter() - start, "segments": len(found)}

    def forward(self, photo: str, capture: bool) -> dict[str, Any]:
        import torch

        inputs = self.run.image_processor(_opened(photo), return_tensors="pt")
        with torch.inference_mode():
            start = time.perf_counter()
            self.run.model(pixel_values=inputs["pixel_values"].to(self.run.model.dtype))
            return {"seconds": time.perf_counter() - start}

    def batch(self, photos: Sequence[str]) -> dict[str, Any]:
        start = time.perf_counter()
        for photo in photos:
            self.run(_opened(photo), subtask="semantic")
        return {"seconds": time.perf_counter() - start}


class Engine:
    """One of this project's engines, at the paper's size."""

    def __init__(self, checkpoint: str, engine: str, precision: str) -> None:
        import segdemo
        from segdemo.process import prepare_process

        prepare_process()
        self.predictor = segdemo.load_predictor(checkpoint, engine=engine, precision=precision)
        self.semantic_map, self.load = segdemo.semantic, segdemo.load_image

    def semantic(self, photo: str, capture: bool) -> dict[str, Any]:
        start = time.perf_counter()
        prediction = self.predictor(self.load(photo), size="paper", capture=capture)
        found = self.semantic_map(prediction)
        return {"seconds": time.perf_counter() - start, "segments": len(np.unique(found.labels))}

    def forward(self, photo: str, capture: bool) -> dict[str, Any]:
        prediction = self.predictor(self.load(photo), size="paper", capture=capture)
        return {"seconds": prediction.seconds["forward"], "bytes": prediction.nbytes}

    def batch(self, photos: Sequence[str]) -> dict[str, Any]:
        start = time.perf_counter()
        images = [self.load(photo) for photo in photos]
        together = [self.semantic_map(found).labels for found in self.predictor.predict_batch(images, size="paper")]
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        alone = [self.semantic_map(self.predictor(self.load(name), size="paper", capture=False)) for name in photos]
        single = time.perf_counter() - start
        agree = [float((left == right.labels).mean()) for left, right in zip(together, alone, strict=True)]
        return {"seconds": seconds, "single": single, "agree": min(agree)}

    def labels(self, photo: str, out: str) -> dict[str, Any]:
        np.save(out, self.semantic_map(self.predictor(self.load(photo), size="paper", capture=False)).labels)
        return {}


def contender(name: str, checkpoint: str) -> Contender:
    """The pipeline, or an engine by its name and precision."""
    engine, _, precision = name.partition(" ")
    return Pipeline(checkpoint) if engine == "pipeline" else Engine(checkpoint, engine, precision)


def serve(make: Callable[[str, str], Any], name: str, checkpoint: str) -> None:
    """Be a worker: one JSON request a line on stdin, one answer a line on stdout."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    start = time.perf_counter()
    asked = make(name, checkpoint)
    answers.write(json.dumps({"seconds": time.perf_counter() - start, "peak": _peak()}) + "\n")
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        found = getattr(asked, request.pop("do"))(**request)
        answers.write(json.dumps({**found, "peak": _peak()}) + "\n")
        answers.flush()


@dataclass
class Worker:
    """A contender's process, seen from outside."""

    name: str
    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, name: str, checkpoint: str, module: str = "benchmarks.contenders") -> "Worker | None":
        command = [sys.executable, "-m", module, name, checkpoint]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        worker = cls(name, process)
        try:
            worker.answer()
        except EOFError:
            print(f"{name} cannot run here and is left out", file=sys.stderr)
            return None
        return worker

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(self.name)
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _opened(photo: str) -> Any:
    from PIL import Image

    return Image.open(photo, formats=("JPEG", "PNG")).convert("RGB")


def _peak() -> float:
    """Peak memory of this process in bytes; zero where the system cannot say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    lines = status.read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    serve(contender, *sys.argv[1:])
