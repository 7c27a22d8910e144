"""The map of errors as a file: which pixels are right, and of what kind the wrong ones are, in the page's colours."""

from segdemo.evaluation.errors import KINDS, UInt8
from segdemo.evaluation.legend import KIND_COLORS
from segdemo.images import encode_png_index


def encode_error_map(kinds: UInt8) -> bytes:
    """The map of kinds (H, W) as an 8-bit PNG with a palette; the values are places in ``errors.KINDS``."""
    return encode_png_index(kinds, palette={place: KIND_COLORS[kind] for place, kind in enumerate(KINDS)})
