"""Files that cost more than they look: many pixels, many scans or many pages in few bytes."""

import io
import struct

import numpy as np
from PIL import Image


def tiny_jpeg(width: int = 8000, height: int = 5000, size: int = 10_000) -> bytes:
    """The first bytes of a JPEG that says it has so many pixels: 40 megapixels in 10 kB."""
    small = _saved(Image.new("RGB", (640, 400), (90, 120, 150)), "JPEG", quality=90)
    at = next(i for i in range(len(small)) if small[i] == 0xFF and small[i + 1] in (0xC0, 0xC2))
    claimed = small[: at + 5] + struct.pack(">HH", height, width) + small[at + 9 :]
    start = claimed.index(b"\xff\xda")
    return (claimed[:start] + claimed[start:] * (size // len(claimed) + 1))[:size]


def tiny_webp(width: int = 8000, height: int = 5000) -> bytes:
    """A whole WebP of one colour."""
    return _saved(Image.new("RGB", (width, height), (90, 120, 150)), "WEBP", lossless=True)


def tiny_png(width: int = 8000, height: int = 5000) -> bytes:
    """A whole black and white PNG of one colour."""
    return _saved(Image.new("1", (width, height)), "PNG")


def many_scans(scans: int, width: int = 7000, height: int = 5000) -> bytes:
    """A progressive JPEG of 35 megapixels whose last scan is repeated."""
    plain = _saved(Image.new("L", (width, height), 128), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:last] + plain[last : plain.rindex(b"\xff\xd9")] * scans + b"\xff\xd9"


def many_pages(pages: int = 30_000) -> bytes:
    """A TIFF whose directories follow each other, all with the same one pixel."""
    entries = [(256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (279, 4, 1)]
    length = 2 + 12 * len(entries) + 4
    content = b"II*\0" + struct.pack("<I", 10) + b"\x80\0"
    for page in range(pages):
        directory = struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            directory += struct.pack("<HHII", tag, kind, 1, value)
        following = 10 + (page + 1) * length if page + 1 < pages else 0
        content += directory + struct.pack("<I", following)
    return content


def photo(seed: int, width: int = 1024, height: int = 768, kind: str = "JPEG") -> bytes:
    """A picture unlike any other, as a camera would save it."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return _saved(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), kind)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
