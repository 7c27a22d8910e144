"""WebP files made bare (RFC 9649): pixels, transparency and animation."""

import struct

from segdemo.images.bare import MAX_PROFILE_BYTES, MAX_TEXT_BYTES, Bare
from segdemo.images.orientation import orientation

_PIXELS = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_TOLD = 0x20 | 0x08 | 0x04
"""What the extended header says of profile, EXIF and XMP."""


def is_webp(data: bytes) -> bool:
    """Tell whether a file begins as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def bare_webp(data: bytes) -> Bare:
    """Return a WebP without metadata, its orientation and profile; the length it states is the one that it has."""
    kept: list[bytes] = []
    exif: list[bytes] = []
    xmp, profile, at = b"", None, 12
    while at + 8 <= len(data):
        kind, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        body, end = data[at + 8 : at + 8 + length], at + 8 + length + length % 2
        if kind == b"VP8X" and body:
            kept.append(data[at : at + 8] + bytes([body[0] & ~_TOLD]) + data[at + 9 : end])
        elif kind in _PIXELS:
            kept.append(data[at:end])
        elif kind == b"EXIF":
            exif.append(body)
        elif kind == b"XMP ":
            xmp = body[:MAX_TEXT_BYTES]
        elif kind == b"ICCP" and length <= MAX_PROFILE_BYTES:
            profile = body
        at = end
    chunks = b"".join(kept)
    head = b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP"
    return Bare(head + chunks, orientation(exif, xmp), profile or None)
