"""One of those that an export is held against, in a process of its own, so that its memory is its own.

``python -m segdemo.export.contender REQUEST.json``: runs the pictures that the request names, keeps the answers where
it says, and prints one JSON line with what that took. Nothing is imported that the contender itself does not need.
"""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.children import end_with_parent
from segdemo.process import prepare_process

Answer = tuple[npt.NDArray[Any], ...]
REPEATS, PATIENCE = 7, 10.0
"""Runs of which the median is taken, and the seconds after which fewer will do."""


class Contender(Protocol):
    """What can be asked of one."""

    def forward(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """Class and mask logits, or a network's logits alone, with a batch axis, of pixels (B, 3, H, W)."""
        ...

    def photo(self, file: str) -> None:
        """From a picture's file to its map of labels."""
        ...


class Converted:
    """The exported graph, in its own runtime."""

    def __init__(self, request: dict[str, Any]) -> None:
        from segdemo.model.runtimes import load_graph

        self.graph = load_graph(request["format"], Path(request["file"]))
        self.folder, self.format = Path(request["folder"]), request["format"]
        self.predictor: Any = None

    def forward(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """See ``Contender``."""
        rows = [self.graph(pixels[index : index + 1]) for index in range(len(pixels))]
        return tuple(np.concatenate(parts) for parts in zip(*rows, strict=True))

    def photo(self, file: str) -> None:
        """See ``Contender``."""
        from segdemo.images import load_image
        from segdemo.model.exported import load_exported
        from segdemo.segmentation.semantic import semantic

        if self.predictor is None:
            self.predictor = load_exported(self.folder, self.format)
        semantic(self.predictor(load_image(file), capture=False))


class Eager:
    """This project's PyTorch engine in float32."""

    def __init__(self, request: dict[str, Any]) -> None:
        from segdemo.model.predictor import load_predictor

        self.predictor = load_predictor(request["checkpoint"], engine="torch", precision="fp32", device="cpu")
        self.task = request["task"]

    def forward(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """See ``Contender``."""
        from segdemo.model.capture import Request

        return self.predictor.engine(pixels, Request(capture=False, task=self.task)).answer

    def photo(self, file: str) -> None:
        """See ``Contender``."""
        from segdemo.images import load_image
        from segdemo.segmentation.semantic import semantic

        semantic(self.predictor(load_image(file), task=self.task, capture=False))


class Pipeline:
    """The library's ``pipeline("image-segmentation")`` in float32: its network is the reference for all others."""

    def __init__(self, request: dict[str, Any]) -> None:
        import torch
        from transformers import pipeline

        from segdemo.model.weights import quiet_library

        with quiet_library():
            self.run = pipeline("image-segmentation", model=request["checkpoint"], dtype=torch.float32, device="cpu")
        self.model: Any = self.run.model.eval()
        self.scores: list[Any] = []
        """Of the last pass, of a network without queries: the library only hands out what it brought to the input."""
        if hasattr(self.model, "decode_head"):
            self.model.decode_head.register_forward_hook(lambda module, args, output: self.scores.append(output))

    def forward(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """See ``Contender``."""
        import torch

        self.scores.clear()
        with torch.inference_mode():
            outputs = self.model(pixel_values=torch.from_numpy(pixels))
        if self.scores:
            return (self.scores.pop().numpy(),)
        return outputs.class_queries_logits.numpy(), outputs.masks_queries_logits.numpy()

    def photo(self, file: str) -> None:
        """See ``Contender``."""
        from PIL import Image, ImageOps

        with Image.open(file) as image:
            self.run(ImageOps.exif_transpose(image).convert("RGB"), subtask="semantic")


class Network:
    """The library's OneFormer, with its inputs put together here and its own read-out, in float32.

    Its pipeline cannot be had without the hub, whose table of classes its processor asks for; see ``benchmarks``.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        from transformers.models.oneformer.image_processing_pil_oneformer import OneFormerImageProcessorPil

        from segdemo.model.families import family_of
        from segdemo.model.families.oneformer import task_tokens
        from segdemo.model.weights import load_library_model

        folder = Path(request["checkpoint"])
        self.model: Any = load_library_model(folder, "OneFormerForUniversalSegmentation")
        self.words = task_tokens(folder)[request["task"]][None]
        self.preprocessing = family_of(folder).preprocessing(folder)
        self.read: Any = OneFormerImageProcessorPil.post_process_semantic_segmentation

    def run(self, pixels: npt.NDArray[np.float32]) -> Any:
        """The library's outputs of pixels (B, 3, H, W)."""
        import torch

        with torch.inference_mode():
            words = self.words.repeat(len(pixels), 1)
            return self.model(pixel_values=torch.from_numpy(pixels), task_inputs=words)

    def forward(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """See ``Contender``."""
        outputs = self.run(pixels)
        return outputs.class_queries_logits.numpy(), outputs.masks_queries_logits.numpy()

    def photo(self, file: str) -> None:
        """See ``Contender``."""
        from segdemo.images import load_image

        image = load_image(Path(file))
        pixels = self.preprocessing(image, "checkpoint")[0]
        self.read(None, self.run(pixels[None]), target_sizes=[(image.shape[0], image.shape[1])])


CONTENDERS: dict[str, Callable[[dict[str, Any]], Contender]] = {
    "exported": Converted,
    "torch": Eager,
    "pipeline": Pipeline,
    "network": Network,
}


def main(file: Path) -> None:
    """Do what the request says."""
    end_with_parent()
    prepare_process()
    from segdemo.registration import register_backbones

    register_backbones()
    request = json.loads(file.read_text(encoding="utf-8"))
    before = peak_bytes()
    start = time.perf_counter()
    contender = CONTENDERS[request["kind"]](request)
    told: dict[str, Any] = {"load_seconds": time.perf_counter() - start}
    for number, (source, target) in enumerate(zip(request["pixels"], request["answers"], strict=True)):
        pixels = np.load(source)[None]
        answer = contender.forward(pixels)
        np.savez(target, *(part[0] for part in answer))
        if number == 0:
            del answer
            gc.collect()
            told["forward_seconds"] = median(partial(contender.forward, pixels))
    told["peak_bytes"] = peak_bytes()
    told["start_bytes"] = before
    if request.get("batch"):
        four = np.concatenate([np.load(source)[None] for source in (request["pixels"] * 4)[:4]])
        told["batch_seconds"] = median(lambda: contender.forward(four))
        told["singles_seconds"] = median(lambda: [contender.forward(four[index : index + 1]) for index in range(4)])
    told["photo_seconds"] = median(lambda: contender.photo(request["photo"]))
    print(json.dumps(told), flush=True)


def median(call: Callable[[], Any]) -> float:
    """Seconds that a call takes, after one to warm up."""
    call()
    seconds: list[float] = []
    while len(seconds) < REPEATS and (not seconds or sum(seconds) < PATIENCE):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak_bytes() -> int:
    """Peak memory of this process in bytes; zero where the system cannot say."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
