"""TIFF files made bare (TIFF 6.0, and BigTIFF): the first directory, with the entries that pixels need."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from segdemo.images.bare import MAX_PROFILE_BYTES, MAX_TEXT_BYTES, Bare
from segdemo.images.orientation import ORIENTATION, orientation, whole_number

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0")
"""As they should be, and the two that some programs write with the number the wrong way round."""
_PROFILE, _XMP = 34675, 700
_OFFSETS, _LENGTHS = {273, 324}, {279, 325}
_NEEDED = {
    # Size, layout and compression; colours; tiles; inks and extra samples; old JPEG's; YCbCr's; other codecs'.
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 318, 319, 320, 322, 323, 324, 325),
    *(332, 333, 334, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
    *(34676, 50674),
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass(frozen=True)
class _Entry:
    raw: bytes
    tag: int
    kind: int
    count: int
    field: bytes
    order: str

    def body(self, data: bytes, limit: int) -> bytes:
        """Return the bytes that it stands for, from the file where the field has no room; none over the limit."""
        length = self.count * _SIZES.get(self.kind, 0)
        if length <= len(self.field):
            return self.field[:length]
        offset = int.from_bytes(self.field, "little" if self.order == "<" else "big")
        return data[offset : offset + length] if length <= limit else b""

    def numbers(self, data: bytes) -> list[int]:
        """Return its whole numbers, which are as many as the file has room for."""
        letter = {3: "H", 4: "I", 16: "Q"}.get(self.kind)
        if letter is None:
            return []
        size, body = _SIZES[self.kind], self.body(data, len(data))
        return [number for (number,) in struct.iter_unpack(self.order + letter, body[: len(body) // size * size])]


def bare_tiff(data: bytes) -> Bare:
    """Return a TIFF with one directory, of its first page's pixels alone, and the page's orientation and profile.

    A file whose first directory cannot be read is returned as it is.
    """
    order, big = _kind(data)
    kept, turn, profile, xmp = [], 0, b"", b""
    for entry in _entries(data):
        if entry.tag in _NEEDED:
            kept.append(entry.raw)
        elif entry.tag == ORIENTATION:
            turn = whole_number(entry.kind, entry.count, entry.field, order) or 0
        elif entry.tag == _PROFILE:
            profile = entry.body(data, MAX_PROFILE_BYTES)
        elif entry.tag == _XMP:
            xmp = entry.body(data, MAX_TEXT_BYTES)
    if not kept:
        return Bare(data)
    offset, counter = ("Q", "Q") if big else ("I", "H")
    head = data[:2] + struct.pack(order + "H", 43 if big else 42)
    directory = struct.pack(order + counter, len(kept)) + b"".join(kept) + struct.pack(order + offset, 0)
    # In the old one's place, not behind the file, where a cut file's decoder would take it for pixels.
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    bare = head + data[4:at] + directory + data[at + len(directory) :]
    return Bare(bare, turn if turn in range(1, 9) else orientation((), xmp), profile or None)


def complete(data: bytes) -> bool:
    """Tell whether the file has a directory and all the strips or tiles that it lists."""
    entries = {entry.tag: entry for entry in _entries(data)}
    offsets = [number for tag in _OFFSETS & set(entries) for number in entries[tag].numbers(data)]
    lengths = [number for tag in _LENGTHS & set(entries) for number in entries[tag].numbers(data)]
    if not {256, 257} <= set(entries) or not offsets:
        return False
    lengths += [1] * (len(offsets) - len(lengths))
    return all(start + length <= len(data) for start, length in zip(offsets, lengths, strict=False))


def _kind(data: bytes) -> tuple[str, bool]:
    """Return the byte order as ``struct`` calls it, and whether it is a BigTIFF."""
    return ("<" if data[:2] == b"II" else ">"), 43 in data[2:4]


def _entries(data: bytes) -> Iterator[_Entry]:
    """Yield the first directory's entries, as many as are there in full."""
    order, big = _kind(data)
    offset, counter, fields, width = ("Q", "Q", "HHQ", 8) if big else ("I", "H", "HHI", 4)
    try:
        (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + counter, data, at)
    except (struct.error, OverflowError):
        return
    at += struct.calcsize(order + counter)
    size = struct.calcsize(order + fields) + width
    for start in range(at, min(at + count * size, len(data) - size + 1), size):
        raw = data[start : start + size]
        tag, kind, values = struct.unpack_from(order + fields, raw)
        yield _Entry(raw, tag, kind, values, raw[-width:], order)
