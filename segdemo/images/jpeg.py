"""JPEG files made bare (ISO/IEC 10918-1, annex B): the frame, its tables and its scans."""

import re
import struct

from segdemo.images.bare import DAMAGED, MAX_PROFILE_BYTES, Bare, unsupported
from segdemo.images.orientation import orientation
from segdemo.settings import settings

SIGNATURE = b"\xff\xd8\xff"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_READ_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Baseline, extended and progressive, with Huffman or arithmetic coding; the others are lossless or hierarchical."""
_TABLES = {0xC4, 0xCC, 0xDB, 0xDD}
_MAX_MARKERS = 20_000
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker: neither a fill byte, a stuffed one, nor a restart."""
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"


def bare_jpeg(data: bytes) -> Bare:
    """Return a JPEG without metadata, its orientation and profile; MPO files become their first picture.

    The JFIF and Adobe segments stay where decoders heed them: they say how colours are coded.
    """
    kept, exif, xmp = [data[:2]], list[bytes](), b""
    profile: dict[int, bytes] = {}
    parts = 0
    at = 2
    for _ in range(_MAX_MARKERS):
        found = _MARKER.search(data, at, len(data) - 2)
        if found is None:
            break
        at = found.start()
        marker = data[at + 1]
        if marker == 0xDA:
            refused = _too_many_scans(data, at)
            kept.append(data[at:])
            return Bare(b"".join(kept), orientation(exif, xmp), _joined(profile, parts), refused)
        if marker in (0x01, 0xD8, 0xD9):
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if marker in _FRAMES and (marker not in _READ_FRAMES or body[:1] != b"\x08"):
            return Bare(data, refused=unsupported("JPEG"))
        if marker in _TABLES or marker in _FRAMES or (marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12):
            kept.append(data[at : at + 2 + length])
        elif marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 14:
            kept.append(b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0")
        elif marker == 0xE1 and body.startswith(_EXIF):
            exif.append(body)
        elif marker == 0xE1 and body.startswith(_XMP):
            xmp = body
        elif marker == 0xE2 and body.startswith(_ICC) and len(body) > 14:
            profile[body[12]], parts = body[14:], body[13]
        at += 2 + max(length, 2)
    else:
        return Bare(data, refused=DAMAGED)
    return Bare(data)


def _too_many_scans(data: bytes, at: int) -> str | None:
    """Say so where more scans follow from ``at`` on than are read: each costs a pass over all pixels, in few bytes."""
    limit = settings().max_scans
    scans = markers = 0
    while True:
        scans += data[at + 1] == 0xDA
        markers += 1
        if scans > limit or markers > _MAX_MARKERS + 2 * limit:
            return (
                f"This progressive JPEG has more than {limit} scans and would take too long to read: "
                "save it as an ordinary JPEG and try again."
            )
        if data[at + 1] != 0x01 and at + 4 <= len(data):
            at += struct.unpack_from(">H", data, at + 2)[0]
        found = _MARKER.search(data, at + 2)
        if found is None or found[0] == b"\xff\xd9":
            return None
        at = found.start()


def _joined(parts: dict[int, bytes], count: int) -> bytes | None:
    """Join a profile's ``count`` parts, numbered from 1; one that lacks a part is none."""
    if not parts or sorted(parts) != list(range(1, count + 1)):
        return None
    profile = b"".join(parts[number] for number in sorted(parts))
    return profile if len(profile) <= MAX_PROFILE_BYTES else None


def ended(data: bytes) -> tuple[bytes, bytes] | None:
    """Return a JPEG that lacks its end twice, with other bytes before an end; none where it has one.

    Where all scans are there, decoders do not look at those bytes, and both are the same picture.
    """
    at = data.rfind(b"\xff\xda")
    if not data.startswith(SIGNATURE) or at < 0 or data.find(b"\xff\xd9", at) >= 0:
        return None
    scans = data[:-1] if data.endswith(b"\xff") else data
    return scans + b"\x12\x5a" * 2000 + b"\xff\xd9", scans + b"\xd3\x07\x6c" * 1500 + b"\xff\xd9"
