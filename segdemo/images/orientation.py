"""Which way up a picture is: the one tag of its metadata that matters here, read whatever the rest looks like."""

import re
import struct
from collections.abc import Iterable

from PIL import Image

ORIENTATION = 0x0112
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""TIFF's types of whole numbers, as ``struct`` calls them."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(blocks: Iterable[bytes], xmp: bytes = b"") -> int:
    """Return the orientation 1..8 that the first readable of the EXIF ``blocks`` names, else XMP's, else 1 (upright).

    Nothing but the first directory's orientation is looked at, so that other entries may be broken, missing or looping.
    """
    for block in blocks:
        found = _from_exif(block)
        if found is not None:
            return found if found in _TURNS else 1
    named = re.search(rb'tiff:Orientation(?:="|>)([0-9])', xmp)
    return int(named[1]) if named and int(named[1]) in _TURNS else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture turned and mirrored as its orientation 1..8 asks for."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def whole_number(kind: int, count: int, field: bytes, order: str) -> int | None:
    """Return the first whole number that stands in a TIFF entry's value field, or none where there is none."""
    letter = _INTEGERS.get(kind)
    if letter is None or count < 1:
        return None
    return int(struct.unpack_from(order + letter, field)[0])


def _from_exif(block: bytes) -> int | None:
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return None
    (at,) = struct.unpack_from(order + "I", block, 4)
    if at + 2 > len(block):
        return None
    (count,) = struct.unpack_from(order + "H", block, at)
    for start in range(at + 2, min(at + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, values = struct.unpack_from(order + "HHI", block, start)
        if tag == ORIENTATION:
            return whole_number(kind, values, block[start + 8 : start + 12], order)
    return None
