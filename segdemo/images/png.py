"""PNG files made bare (ISO/IEC 15948): header, palette, transparency and pixels."""

import struct
import zlib

from segdemo.images.bare import MAX_PROFILE_BYTES, MAX_TEXT_BYTES, Bare
from segdemo.images.orientation import orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3


def bare_png(data: bytes) -> Bare:
    """Return a PNG without metadata, its orientation and profile; of an animation, the picture that all readers show.

    What is not needed is passed over by its length alone, whatever it holds, and with a wrong check sum, too.
    """
    kept, exif, xmp, profile = [SIGNATURE], [], b"", None
    at, header, truncated = len(SIGNATURE), b"", False
    while at + 8 <= len(data) and not truncated:
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        end = at + 12 + length
        truncated = end > len(data)
        if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            kept.append(data[at:end])
            header = header or body
        elif truncated:
            break
        elif kind == b"tRNS" and _sound(data[at + 4 : end]):
            kept.append(_transparency(header, body))
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


def _transparency(header: bytes, body: bytes) -> bytes:
    """Return the tRNS chunk as Pillow reads it, which compares a colour with 8-bit levels; nothing for a broken one."""
    depth, kind = (header[8], header[9]) if len(header) >= 10 else (8, -1)
    if kind == _PALETTE:
        return chunk(b"tRNS", body[:256]) if body else b""
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
