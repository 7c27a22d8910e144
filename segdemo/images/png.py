"""PNG files made bare (ISO/IEC 15948): header, palette, transparency and pixels."""

import struct
import zlib

from segdemo.images.bare import MAX_PROFILE_BYTES, MAX_TEXT_BYTES, Bare
from segdemo.images.orientation import orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3
_AT_ONCE = 1_000_000
"""Bytes that are unpacked at once."""


def bare_png(data: bytes) -> Bare:
    """Return a PNG without metadata, its orientation and profile; of an animation, the picture that all readers show.

    What is not needed is passed over by its length alone, whatever it holds, and with a wrong check sum, too.
    """
    kept, exif, xmp, profile = [SIGNATURE], [], b"", None
    at, header, palette, truncated = len(SIGNATURE), b"", b"", False
    while at + 8 <= len(data) and not truncated:
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        end = at + 12 + length
        truncated = end > len(data)
        if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            header = header or body
            palette = palette or (body if kind == b"PLTE" else b"")
            kept.append(_whole_palette(header, body) if kind == b"PLTE" and not truncated else data[at:end])
        elif truncated:
            break
        elif kind == b"tRNS" and _sound(data[at + 4 : end]):
            kept.append(_transparency(header, palette, body))
        elif kind == b"eXIf":
            exif.append(body)
        elif kind == b"iCCP":
            profile = _inflated(body.partition(b"\0")[2][1:], MAX_PROFILE_BYTES)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _text(kind, body)
            if keyword == b"Raw profile type exif":
                exif.append(_unhexed(text))
            elif keyword == b"XML:com.adobe.xmp":
                xmp = text
        at = end
        if kind == b"IEND":
            break
    return Bare(b"".join(kept), orientation(exif, xmp), profile)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk: length, kind, body and check sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _sound(checked: bytes) -> bool:
    return zlib.crc32(checked[:-4]) == int.from_bytes(checked[-4:], "big")


def mended(data: bytes) -> bytes | None:
    """Return a PNG whose packed pixels are all there, but for their check sum, with the right one; else none."""
    if not data.startswith(SIGNATURE):
        return None
    before, at = SIGNATURE, len(SIGNATURE)
    parts: list[bytes] = []
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if kind == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        elif kind != b"IEND":
            before += data[at:end]
        at = end
    packed = b"".join(parts)
    stream, total, rest = zlib.decompressobj(-15), zlib.adler32(b""), packed[2:]
    try:
        while rest and not stream.eof:
            total = zlib.adler32(stream.decompress(rest, _AT_ONCE), total)
            rest = stream.unconsumed_tail
    except zlib.error:
        return None
    if not stream.eof:
        return None
    deflated = packed[: len(packed) - len(stream.unused_data)]
    return before + chunk(b"IDAT", deflated + struct.pack(">I", total)) + chunk(b"IEND", b"")


def _whole_palette(header: bytes, body: bytes) -> bytes:
    """Return the PLTE chunk with black for the entries that it lacks, as readers show pixels that name them."""
    depth, kind = (header[8], header[9]) if len(header) >= 10 else (8, -1)
    if kind == _PALETTE and depth <= 8 and len(body) % 3 == 0:
        body = body.ljust(3 << depth, b"\0")
    return chunk(b"PLTE", body)


def _transparency(header: bytes, palette: bytes, body: bytes) -> bytes:
    """Return the tRNS chunk as Pillow reads it, which compares a colour with 8-bit levels; nothing for a broken one.

    As in libpng, one that comes before its palette or is longer is broken.
    """
    depth, kind = (header[8], header[9]) if len(header) >= 10 else (8, -1)
    if kind == _PALETTE:
        return chunk(b"tRNS", body) if 0 < 3 * len(body) <= len(palette) else b""
    samples = {_GREY: 1, _RGB: 3}.get(kind, 0)
    if not samples or len(body) < 2 * samples:
        return b""
    values = struct.unpack_from(f">{samples}H", body)
    if depth < 8:
        values = tuple((value & ((1 << depth) - 1)) * 255 // ((1 << depth) - 1) for value in values)
    elif depth == 16 and kind == _RGB:
        values = tuple(value >> 8 for value in values)
    return chunk(b"tRNS", struct.pack(f">{samples}H", *values))


def _text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return the keyword and the text of a text chunk; a text that is too long or broken is empty."""
    keyword, _, rest = body.partition(b"\0")
    if keyword not in (b"Raw profile type exif", b"XML:com.adobe.xmp"):
        return keyword, b""
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    text = _inflated(rest, MAX_TEXT_BYTES) if packed else rest
    return keyword, (text or b"")[: MAX_TEXT_BYTES + 1]


def _inflated(packed: bytes, limit: int) -> bytes | None:
    """Return at most ``limit`` unpacked bytes; none where there are more or they are broken."""
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(packed, limit)
    except zlib.error:
        return None
    return None if stream.unconsumed_tail else unpacked


def _unhexed(text: bytes) -> bytes:
    """Return the bytes that ImageMagick writes as a name, a length and hexadecimal lines."""
    try:
        return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except ValueError:
        return b""
