"""Small files written byte by byte, with whatever metadata a test wants."""

import io
import struct

import numpy as np
from PIL import Image

from segdemo.images import load_image

RGB = np.zeros((6, 10, 3), np.uint8)
RGB[:, :5], RGB[:, 5:], RGB[:2, :2] = (220, 20, 20), (20, 20, 220), 255
TURNED = np.rot90(RGB, -1)
"""What orientation 6 asks for: a quarter to the right."""


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    """A file of a format, as near to its pixels as the format goes; of ``RGB`` unless told."""
    stream = io.BytesIO()
    lossless: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    (image or Image.fromarray(RGB)).save(stream, kind, **(lossless.get(kind, {}) | options))
    return stream.getvalue()


def exif(*entries: tuple[int, int, int, bytes], orientation: int = 6) -> bytes:
    """One little-endian directory: an orientation and ``entries`` (tag, type, count, field of 4 bytes or less)."""
    rows = [(0x0112, 3, 1, struct.pack("<H", orientation)), *entries]
    body = b"".join(struct.pack("<HHI", *row[:3]) + row[3].ljust(4, b"\0") for row in sorted(rows))
    return b"II*\0" + struct.pack("<IH", 8, len(rows)) + body + b"\0\0\0\0"


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg_with(*segments: bytes, data: bytes | None = None) -> bytes:
    """A JPEG with segments behind its first marker."""
    data = data or encoded("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def png_with(*chunks: bytes, late: bytes = b"") -> bytes:
    """A PNG with chunks behind its header, and ``late`` ones before its end."""
    data = encoded("PNG")
    return data[:33] + b"".join(chunks) + data[33:-12] + late + data[-12:]


def same(data: bytes, expected: np.ndarray, tolerance: int = 0) -> bool:
    """Whether a file is read as these pixels."""
    found = load_image(data)
    return found.shape == expected.shape and int(np.abs(found.astype(int) - expected).max()) <= tolerance
