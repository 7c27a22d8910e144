"""The map of errors as a file: which pixels are right, and of what kind the wrong ones are, in the page's colours."""

from collections.abc import Mapping

from segdemo.colors import Color
from segdemo.evaluation.causes import Cause
from segdemo.evaluation.errors import KINDS, Kind, UInt8
from segdemo.images import encode_png_index

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
    "refinement": (204, 121, 167),
    "filter": (0, 158, 115),
    "vote": (86, 180, 233),
    "classification": (240, 228, 66),
    "no query": (213, 94, 0),
}
"""From the same palette."""


def encode_error_map(kinds: UInt8) -> bytes:
    """The map of kinds (H, W) as an 8-bit PNG with a palette; the values are places in ``errors.KINDS``."""
    return encode_png_index(kinds, palette={place: KIND_COLORS[kind] for place, kind in enumerate(KINDS)})
