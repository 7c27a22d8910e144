"""Answers requests for a segmentation: the custom handler of a Hugging Face Inference Endpoint.

It stands alone: NumPy, Pillow and the runtime of the exported graph beside it (onnxruntime, openvino or torch). The
service imports this file, calls ``EndpointHandler(path=FOLDER)`` once and the object with every request's ``dict``.
"""

import base64
import io
import json
import logging
import time
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from segdemo.export.endpoint.arrays import (
    NONE,
    Answer,
    Array,
    Size,
    bounding_boxes,
    checkpoint_size,
    fitting,
    graphs,
    network,
    panoptic,
    pixel_values,
    scored,
    semantic,
)
from segdemo.export.endpoint.pictures import RequestError, picture

logger = logging.getLogger(__name__)

MAX_BATCH = 16
"""Most pictures of one request."""
_THRESHOLDS = ("score_threshold", "mask_threshold", "overlap_threshold")


class EndpointHandler:
    """A folder that ``python -m segdemo export --endpoint`` wrote, ready to answer."""

    def __init__(self, path: str = "") -> None:
        """Load the folder's first graph; the graphs of other shapes follow when a picture asks for them."""
        folder = Path(path or ".")
        self.about = _json(folder / "classes.json")
        self.settings = _json(folder / "preprocessor_config.json")
        self.graphs = graphs(folder)
        self._loaded: dict[Path, Any] = {}
        self._lock = Lock()
        self._network(next(iter(self.graphs.values())))

    def __call__(self, data: dict[str, Any]) -> Any:
        """Answer a request.

        ``data["inputs"]`` is a picture or a list of at most ``MAX_BATCH``: the bytes of a file, their base64 (a data
        URL as well), or a picture that the service has opened. ``data["parameters"]`` may hold ``task``
        (``"semantic"`` or ``"panoptic"``) and ``score_threshold``, ``mask_threshold``, ``overlap_threshold`` (0 to 1,
        of panoptic segments). For each picture the answer is ``{"id_map": base64 of a PNG, "segments": {...}}``, as
        ``segdemo segment`` writes them, or ``{"error": sentence}``.
        """
        try:
            if not isinstance(data, dict) or "inputs" not in data:
                raise RequestError('The request has no "inputs": send {"inputs": base64 of a picture}.')
            parameters = self._parameters(data.get("parameters"))
            inputs = data["inputs"]
            if isinstance(inputs, list) and not 1 <= len(inputs) <= MAX_BATCH:
                raise RequestError(f"A request holds 1 to {MAX_BATCH} pictures, not {len(inputs)}.")
        except RequestError as error:
            return {"error": str(error)}
        if isinstance(inputs, list):
            return [self._answer(one, parameters) for one in inputs]
        return self._answer(inputs, parameters)

    def _answer(self, source: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._segmented(picture(source), parameters)
        except RequestError as error:
            return {"error": str(error)}
        except MemoryError:
            return {"error": "There is not enough memory for this picture: send it smaller."}
        except Exception:
            # What is wrong is in the service's log; a stranger is told no paths.
            logger.exception("a picture could not be segmented")
            return {"error": "The picture was read, but could not be segmented: its host finds the reason in the log."}

    def _parameters(self, given: Any) -> dict[str, Any]:
        given = {} if given is None else given
        if not isinstance(given, dict):
            raise RequestError('"parameters" must be an object, such as {"task": "semantic"}.')
        known = {"task": self.about["task"], **{name: self.about[name] for name in _THRESHOLDS}}
        if strange := sorted(str(name) for name in given if name not in known):
            raise RequestError(f"The parameter {strange[0][:80]!r} is not known: there are {', '.join(known)}.")
        found = {**known, **given}
        if found["task"] not in ("semantic", "panoptic"):
            raise RequestError(f'The task {str(found["task"])[:80]!r} is not known: choose "semantic" or "panoptic".')
        if found["task"] not in self.about["tasks"]:
            raise RequestError(f"This network was exported for the {self.about['tasks'][0]} task alone: ask for that.")
        if found["task"] == "semantic" and len(self.about["classes"]) > NONE:
            raise RequestError(
                f"The checkpoint has {len(self.about['classes'])} classes, more than an 8-bit index map holds: "
                "choose the panoptic task."
            )
        for name in _THRESHOLDS:
            value = found[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise RequestError(f"{name} is {str(value)[:80]}: choose a number from 0 to 1.")
        return found

    def _network(self, path: Path) -> Any:
        with self._lock:
            if path not in self._loaded:
                self._loaded[path] = network(path)
            return self._loaded[path]

    def _segmented(self, photo: Image.Image, parameters: dict[str, Any]) -> dict[str, Any]:
        size, began = (photo.height, photo.width), time.perf_counter()
        shape = fitting(checkpoint_size(size, self.settings), self.graphs)
        run = self._network(self.graphs[shape if shape in self.graphs else None])
        answer = run(pixel_values(photo, shape, self.settings))
        if not all(np.isfinite(part).all() for part in answer):
            raise ValueError("the network's answer holds values that are not numbers")
        if parameters["task"] == "semantic":
            ids, info = self._semantic(answer, shape, size)
            used = {"task": "semantic"}
        else:
            ids, info = self._panoptic(answer, shape, size, parameters)
            used = parameters
        present = sorted({entry["category_id"] for entry in info})
        segments = {
            "segments_info": info,
            "categories": [{**self.about["classes"][index], "id": index} for index in present],
            "image": {"height": size[0], "width": size[1]},
            "parameters": used,
            "model": {"checkpoint": self.about["checkpoint"], "input_size": list(shape)},
            "seconds": round(time.perf_counter() - began, 3),
        }
        return {"id_map": base64.b64encode(self._png(ids, parameters["task"])).decode(), "segments": segments}

    def _semantic(self, answer: Answer, shape: Size, size: Size) -> tuple[Array, list[dict[str, Any]]]:
        read: Any = semantic if len(answer) > 1 else scored
        labels, scores = read(*answer, shape, size, self.about["least_score"])
        flat = labels.ravel()
        areas, sums = np.bincount(flat, minlength=256), np.bincount(flat, weights=scores.ravel(), minlength=256)
        present = [int(index) for index in np.argsort(-areas, kind="stable") if areas[index] and index != NONE]
        boxes = bounding_boxes(labels)
        info = [self._entry(k, k, int(areas[k]), boxes[k], sums[k] / areas[k]) for k in present]
        return labels, info

    def _panoptic(
        self, answer: Answer, shape: Size, size: Size, parameters: dict[str, Any]
    ) -> tuple[Array, list[dict[str, Any]]]:
        classes, masks = answer
        stuff = {index for index, entry in enumerate(self.about["classes"]) if not entry["isthing"]}
        ids, found = panoptic(classes, masks, shape, size, stuff, *(parameters[name] for name in _THRESHOLDS))
        boxes = bounding_boxes(ids)
        info = [
            {**self._entry(number, category, area, boxes[number], score), "queries": queries}
            for number, (category, area, score, queries) in enumerate(found, start=1)
        ]
        return ids, info

    def _entry(self, number: int, category: int, area: int, box: list[int], score: float) -> dict[str, Any]:
        known = self.about["classes"][category]
        return {
            "id": number,
            "category_id": category,
            "label": known["name"],
            "isthing": known["isthing"],
            "area": area,
            "bbox": box,
            "iscrowd": 0,
            "score": round(float(score), 4),
        }

    def _png(self, ids: Array, task: str) -> bytes:
        """Semantic: 8-bit class indices in the classes' colours. Panoptic: id = R + 256 G + 65536 B (COCO)."""
        if task == "semantic":
            image = Image.fromarray(ids.astype(np.uint8)).convert("P")
            colors = [channel for entry in self.about["classes"] for channel in entry["color"]]
            image.putpalette((colors + [0] * 768)[:768])
        else:
            image = Image.fromarray(np.stack([ids >> shift & 255 for shift in (0, 8, 16)], -1).astype(np.uint8))
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise RequestError(f"{path} cannot be read: give the folder that `segdemo export --endpoint` wrote.") from None
    return found
