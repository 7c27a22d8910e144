"""Everything that is measured, as sums: of one picture or of any number, added up in constant memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.boundary import TrueBoundary
from segdemo.evaluation.calibration import Reliability
from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.confusion import Confusion, Labels
from segdemo.evaluation.errors import KINDS, is_right
from segdemo.evaluation.quality import PanopticQuality
from segdemo.evaluation.slices import EDGES, Sliced
from segdemo.labels import VOID

Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


class Mean:
    """A mean over pictures that have a value."""

    def __init__(self, total: float = 0.0, count: int = 0) -> None:
        self.total, self.count = total, count

    def add(self, value: float | None) -> None:
        """Count a value, if there is one."""
        if value is not None:
            self.total += value
            self.count += 1

    def merge(self, other: "Mean") -> None:
        """Count another's values as well."""
        self.total += other.total
        self.count += other.count

    @property
    def value(self) -> float | None:
        """The mean; none without values."""
        return self.total / self.count if self.count else None


class MapTally:
    """How good label maps are: the result that is judged, or the answer of one layer."""

    def __init__(self, classes: int) -> None:
        self.confusion = Confusion(classes, ignore_index=VOID)
        self.image_miou = Mean()
        """The mean over pictures of each picture's own mean IoU."""
        self.boundary = Mean()
        """The mean over pictures of each picture's boundary F-score."""
        self.class_boundary: dict[int, Mean] = {}
        self.reliability = Reliability()
        """Of the network's probabilities for this map."""
        self.quality: PanopticQuality | None = None
        """Where segments were compared."""
        self.right_in_slices: dict[str, Int64] = {}
        """Of a layer, by the way to cut: how many of the pixels in each slice of the result are right in its map."""

    def add(self, truth: Labels, predicted: Labels, boundary: TrueBoundary | None) -> None:
        """Count a picture's map (H, W), ``VOID`` for no label; ``boundary`` is the truth's, where it is measured."""
        own = Confusion(self.confusion.classes, ignore_index=VOID)
        own.add(truth, predicted)
        self.confusion.matrix += own.matrix
        self.image_miou.add(own.miou if own.class_iou else None)
        if boundary is not None:
            scores = boundary.scores(predicted)
            self.boundary.add(float(np.mean(list(scores.values()))) if scores else None)
            for index, score in scores.items():
                self.class_boundary.setdefault(index, Mean()).add(score)

    def add_confidence(self, truth: Labels, predicted: Labels, confidence: npt.NDArray[np.floating]) -> None:
        """Count how sure the network was of its own labelled pixels: probabilities (H, W), 0 to 1."""
        labelled = truth != VOID
        self.reliability.add(confidence[labelled], is_right(truth, predicted)[labelled])

    def add_slices(self, cuts: Mapping[str, UInt8], right: npt.NDArray[np.bool_]) -> None:
        """Count a layer's right pixels (H, W) in the slices of the result, ``slices.slice_maps``."""
        for name, places in cuts.items():
            slices = len(EDGES[name]) + 1
            self._add_right(name, np.bincount(places[right], minlength=slices)[:slices])

    def _add_right(self, name: str, right: Int64) -> None:
        self.right_in_slices[name] = self.right_in_slices[name] + right if name in self.right_in_slices else right

    def merge(self, other: "MapTally") -> None:
        """Count another's pictures as well."""
        self.confusion.matrix += other.confusion.matrix
        self.image_miou.merge(other.image_miou)
        self.boundary.merge(other.boundary)
        for index, mean in other.class_boundary.items():
            self.class_boundary.setdefault(index, Mean()).merge(mean)
        self.reliability.merge(other.reliability)
        if other.quality is not None:
            mine = self.quality if self.quality is not None else PanopticQuality(other.quality.classes)
            self.quality = mine.merge([other.quality])
        for name, right in other.right_in_slices.items():
            self._add_right(name, right)

    def state(self) -> dict[str, Any]:
        """The sums, as JSON types, without what is zero."""
        quality = self.quality
        return {
            "confusion": _sparse(self.confusion.matrix),
            "image_miou": [self.image_miou.total, self.image_miou.count],
            "boundary": [self.boundary.total, self.boundary.count],
            "class_boundary": [[index, mean.total, mean.count] for index, mean in self.class_boundary.items()],
            "reliability": self.reliability.state(),
            "quality": None
            if quality is None
            else [
                [int(index), float(quality.iou[index]), *quality.counts[:, index].tolist()]
                for index in np.flatnonzero(quality.counts.any(axis=0))
            ],
            "right_in_slices": {name: right.tolist() for name, right in self.right_in_slices.items()},
        }

    @classmethod
    def restored(cls, classes: int, state: Mapping[str, Any]) -> "MapTally":
        """What ``state`` was taken of."""
        found = cls(classes)
        places, counts = state["confusion"]
        found.confusion.matrix.ravel()[places] = counts
        found.image_miou, found.boundary = Mean(*state["image_miou"]), Mean(*state["boundary"])
        found.class_boundary = {index: Mean(total, count) for index, total, count in state["class_boundary"]}
        found.reliability = Reliability.restored(state["reliability"])
        found.right_in_slices = {name: np.asarray(own, np.int64) for name, own in state["right_in_slices"].items()}
        if state["quality"] is not None:
            found.quality = PanopticQuality(classes)
            for index, iou, *counted in state["quality"]:
                found.quality.iou[index], found.quality.counts[:, index] = iou, counted
        return found


class Tally:
    """The measures of some pictures."""

    def __init__(self, classes: int, *, width: float) -> None:
        self.classes = classes
        self.width = width
        """Of the boundary band, in pixels."""
        self.pictures = 0
        self.result = MapTally(classes)
        """The map that is judged."""
        self.layers: list[MapTally] = []
        """The network's own map after each layer, the initial prediction first; empty where they were not looked at."""
        self.kinds: Int64 = np.zeros(len(KINDS), np.int64)
        """Pixels of each kind."""
        self.causes: Int64 = np.zeros(len(CAUSES), np.int64)
        """Pixels of each cause; none of any where there are no causes."""
        self.lost: list[int] = []
        """Wrong pixels by the last layer at which they were right, the first entry those that never were."""
        self.slices = {name: Sliced(edges) for name, edges in EDGES.items()}

    def merge(self, other: "Tally") -> None:
        """Count another's pictures as well.

        Raises ``ValueError`` for another number of classes, another width, or other layers.
        """
        if (self.classes, self.width) != (other.classes, other.width):
            raise ValueError("only what was measured alike can be added up")
        if self.pictures and len(self.layers) != len(other.layers):
            raise ValueError("only predictions of as many layers can be added up")
        if not self.pictures:
            self.layers = [MapTally(self.classes) for _ in other.layers]
            self.lost = [0] * len(other.lost)
        self.pictures += other.pictures
        self.result.merge(other.result)
        for mine, own in zip(self.layers, other.layers, strict=True):
            mine.merge(own)
        self.kinds += other.kinds
        self.causes += other.causes
        self.lost = [one + another for one, another in zip(self.lost, other.lost, strict=True)]
        for name, sliced in self.slices.items():
            sliced.merge(other.slices[name])

    def state(self) -> dict[str, Any]:
        """The sums, as JSON types: what ``restored`` takes."""
        return {
            "classes": self.classes,
            "width": self.width,
            "pictures": self.pictures,
            "result": self.result.state(),
            "layers": [layer.state() for layer in self.layers],
            "kinds": self.kinds.tolist(),
            "causes": self.causes.tolist(),
            "lost": self.lost,
            "slices": {name: sliced.state() for name, sliced in self.slices.items()},
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Tally":
        """What ``state`` was taken of."""
        found = cls(state["classes"], width=state["width"])
        found.pictures = state["pictures"]
        found.result = MapTally.restored(found.classes, state["result"])
        found.layers = [MapTally.restored(found.classes, layer) for layer in state["layers"]]
        found.kinds, found.causes = (np.asarray(state[name], np.int64) for name in ("kinds", "causes"))
        found.lost = list(state["lost"])
        found.slices = {name: Sliced.restored(own) for name, own in state["slices"].items()}
        return found


def _sparse(matrix: Int64) -> list[Sequence[int]]:
    places = np.flatnonzero(matrix)
    return [places.tolist(), matrix.ravel()[places].tolist()]
