"""Words and colours of kinds and causes, the same on the page, in reports and in files."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from segdemo.colors import Color
from segdemo.evaluation.causes import CAUSES, Cause
from segdemo.evaluation.errors import KINDS, Kind

KIND_COLORS: Mapping[Kind, Color] = {
    "ignored": (148, 148, 148),
    "right": (232, 236, 240),
    "boundary": (240, 196, 64),
    "missed": (204, 60, 60),
    "invented": (150, 80, 200),
    "inside": (40, 120, 190),
}
CAUSE_COLORS: Mapping[Cause, Color] = {
    "none": (232, 236, 240),
    "refinement": (0, 150, 136),
    "filter": (240, 196, 64),
    "vote": (230, 120, 40),
    "classification": (40, 120, 190),
    "no query": (130, 60, 120),
}
KIND_WORDS: Mapping[Kind, str] = {
    "ignored": "no label",
    "right": "right",
    "boundary": "boundary band",
    "missed": "missed object",
    "invented": "invented object",
    "inside": "wrong class inside a region",
}
CAUSE_WORDS: Mapping[Cause, str] = {
    "none": "right, or no label",
    "refinement": "refinement changed a right pixel",
    "filter": "a threshold dropped what was right",
    "vote": "a right query was outvoted",
    "classification": "the queries there name another class",
    "no query": "no query covers it",
}


def painted_kinds(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A map of kinds in colour: RGB uint8 (H, W, 3)."""
    return np.array([KIND_COLORS[kind] for kind in KINDS], np.uint8)[kinds]


def painted_causes(causes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A map of causes in colour: RGB uint8 (H, W, 3)."""
    return np.array([CAUSE_COLORS[cause] for cause in CAUSES], np.uint8)[causes]
