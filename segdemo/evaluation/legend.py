"""Words and colours of kinds and causes, the same on the page, in reports and in files."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from segdemo.colors import Color
from segdemo.evaluation.causes import CAUSES, Cause
from segdemo.evaluation.errors import KINDS, Kind

WRONG_COLOR: Color = (213, 94, 0)
"""Of what is wrong, whatever its kind."""
KIND_COLORS: Mapping[Kind, Color] = {
    "ignored": (128, 128, 134),
    "right": (0, 114, 178),
    "boundary": (86, 180, 233),
    "missed": (213, 94, 0),
    "invented": (204, 121, 167),
    "inside": (240, 228, 66),
}
"""From the palette of Okabe and Ito ("Color Universal Design", 2008), which the colour-blind tell apart."""
CAUSE_COLORS: Mapping[Cause, Color] = {
    "none": (232, 236, 240),
    "refinement": (204, 121, 167),
    "filter": (0, 158, 115),
    "vote": (86, 180, 233),
    "classification": (240, 228, 66),
    "no query": (213, 94, 0),
}
"""From the same palette."""
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
