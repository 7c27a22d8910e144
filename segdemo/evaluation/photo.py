"""What was found for one photograph: maps, numbers, and the pixels behind every number."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.evaluation import causes as why
from segdemo.evaluation import errors
from segdemo.evaluation.boundary import unlabelled_share
from segdemo.evaluation.figures import figures
from segdemo.evaluation.suspects import Doubts, Suspect
from segdemo.evaluation.tally import Tally
from segdemo.labels import NOTHING, VOID
from segdemo.segmentation.semantic import NO_CLASS

Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

NOT_WRONG = -2
"""In a map of lost layers: the pixel is right, or has no label."""
NEVER = -1
"""In a map of lost layers: the pixel was right at no layer."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found for one photograph. All maps are (H, W), at the photograph's own size."""

    judged: str
    """What is judged: ``"semantic"``, ``"refined"`` (its map after CRF or morphology), ``"panoptic"`` (the classes of
    its segments) or ``"refined panoptic"``."""
    id2label: Mapping[int, str] = field(repr=False)
    things: frozenset[int] = field(repr=False)
    truth: Int16 = field(repr=False)
    """True classes; ``VOID`` (-1) where there is no label, ``NOTHING`` (-2) where none of the classes is."""
    predicted: Int16 = field(repr=False)
    """The classes that are judged; ``NO_CLASS`` (-1) where there is none."""
    kinds: UInt8 = field(repr=False)
    """Indices into ``errors.KINDS``: 0 ignored, 1 right, the others wrong."""
    causes: UInt8 | None = field(repr=False)
    """Indices into ``causes.CAUSES``: 0 where nothing is wrong; none for networks without queries."""
    no_causes: str
    """Why there are no causes; empty where there are."""
    lost_at: npt.NDArray[np.int8] | None = field(repr=False)
    """For wrong pixels the last layer at which they were right, -1 for those that never were; -2 for others. None where
    the prediction has no layers, or they were not asked for."""
    no_layers: str
    """Why there are no layers; empty where there are."""
    no_panoptic: str
    """Why there is no panoptic quality although the truth tells objects apart; empty where there is, or it does not."""
    right_in_layers: npt.NDArray[np.uint64] | None = field(repr=False)
    """Bit k is set where layer k is right."""
    confidence: UInt8 = field(repr=False)
    """Probability of the class that the network gave each pixel (before any refinement), in whole percent."""
    label_probability: UInt8 = field(repr=False)
    """Probability that it gave the true class, in whole percent; 0 where there is none."""
    bins: UInt8 = field(repr=False)
    """The bin of the reliability diagram of each pixel; 255 where there is no label."""
    slices: Mapping[str, UInt8] = field(repr=False)
    """The slice of each pixel for every way to cut (``slices.EDGES``); 255 where there is no label."""
    suspects: tuple[Suspect, ...]
    """Regions whose label is improbable, the largest and surest first."""
    suspect_map: UInt8 = field(repr=False)
    """1 + the place in ``suspects``; 0 where there is none."""
    distance: npt.NDArray[np.float32] = field(repr=False)
    """Of every pixel to a true border, in pixels (``errors.border_distance``)."""
    doubts: Doubts = field(repr=False)
    """Where suspects could be."""
    boundary_width: float
    """The tolerance of the boundary F-score, in pixels."""
    tally: Tally = field(repr=False)
    """The measures as sums, which tallies of other photographs can be added to."""

    def at_width(self, width: float) -> "Evaluation":
        """The same with a boundary band of another width in pixels, as ``evaluate`` has it, for next to no work."""
        if width == self.tally.width:
            return self
        kinds = errors.banded(self.kinds, self.distance, width)
        tally = copy(self.tally)
        tally.width, tally.kinds = width, errors.counts(kinds)
        doubted, numbered = self.doubts.suspects(kinds)
        return replace(self, kinds=kinds, suspects=doubted, suspect_map=numbered, tally=tally)

    def where(self, what: str, *which: Any) -> Mask:
        """The pixels behind a number: bool (H, W).

        ``where("kind", "missed")``, ``("cause", "vote")``, ``("lost", -1)``, ``("cell", true, predicted)`` with -1 for
        no class, ``("class", index)`` (true or predicted so), ``("bin", place)``, ``("slice", "area", place)``,
        ``("layer", k)`` (wrong after layer k), ``("suspect", place)``, ``("wrong",)``, ``("right",)``,
        ``("ignored",)``. Raises ``SegdemoError`` for others.
        """
        try:
            return np.asarray(self._where(what, *which))
        except (TypeError, ValueError, KeyError, IndexError) as error:
            said = " ".join(map(str, (what, *which)))
            raise SegdemoError(f"There are no pixels called {said!r} in this evaluation.") from error

    def _where(self, what: str, *which: Any) -> Mask:
        labelled = self.kinds != errors.IGNORED
        match what, which:
            case "ignored", ():
                return ~labelled
            case "right", ():
                return self.kinds == errors.RIGHT
            case "wrong", ():
                return self.kinds > errors.RIGHT
            case "kind", (kind,):
                return self.kinds == errors.KINDS.index(kind)
            case "cause", (cause,) if self.causes is not None:
                return self.causes == why.CAUSES.index(cause)
            case "lost", (layer,) if self.lost_at is not None:
                return self.lost_at == int(layer)
            case "layer", (layer,) if self.right_in_layers is not None:
                bit = np.uint64(range(len(self.tally.layers))[layer])
                return labelled & ((self.right_in_layers >> bit) & np.uint64(1) == 0)
            case "cell", (true, found):
                of_true = self.truth == NOTHING if true == NO_CLASS else self.truth == int(true)
                return labelled & of_true & (self.predicted == int(found))
            case "class", (index,):
                return labelled & ((self.truth == int(index)) | (self.predicted == int(index)))
            case "bin", (place,):
                return self.bins == range(len(self.tally.result.reliability.pixels))[place]
            case "slice", (name, place):
                return self.slices[name] == range(len(self.tally.slices[name].pixels))[place]
            case "suspect", (place,):
                return self.suspect_map == range(1, len(self.suspects) + 1)[place]
        raise KeyError(what)

    def to_json(self) -> dict[str, Any]:
        """All numbers as JSON types; see ``figures`` for what is there for pictures and sets alike."""
        return {
            "judged": self.judged,
            **figures(
                self.tally,
                self.id2label,
                self.things,
                no_causes=self.no_causes,
                no_layers=self.no_layers,
                no_panoptic=self.no_panoptic,
            ),
            "boundary_width": self.boundary_width,
            "boundary_unlabelled": unlabelled_share(self.truth, ignore_index=VOID),
            "suspects": [
                {
                    **vars(suspect),
                    "bbox": list(suspect.bbox),
                    "point": list(suspect.point),
                    "predicted_label": self.name(suspect.predicted),
                    "labelled_label": self.name(suspect.labelled),
                }
                for suspect in self.suspects
            ],
        }

    def name(self, index: int) -> str:
        """What a class is called; negative ones are none."""
        return self.id2label.get(index, f"class {index}") if index >= 0 else "no class"
