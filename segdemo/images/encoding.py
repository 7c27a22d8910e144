"""Arrays back to picture files: photographs, index maps and segment ids."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.images.reading import Rgb
from segdemo.progress import stop_point
from segdemo.settings import settings
from segdemo.threads import spans

_STRIP_BYTES = 1_000_000


def display_image(rgb: Rgb, max_pixels: int | None = None) -> Rgb:
    """Return an RGB uint8 copy of at most ``max_pixels`` (default: the viewer's limit), averaged over areas."""
    limit = settings().viewer_pixels if max_pixels is None else max_pixels
    height, width = rgb.shape[:2]
    if height * width <= limit:
        return rgb.copy()
    import cv2

    scale = (limit / (height * width)) ** 0.5
    size = max(1, min(int(width * scale), limit)), max(1, min(int(height * scale), limit))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thumbnail(rgb: Rgb, size: tuple[int, int]) -> Rgb:
    """Return the middle of an RGB uint8 picture at ``size`` (height, width), as much of it as that shape holds."""
    import cv2

    height, width = rgb.shape[:2]
    scale = min(height / size[0], width / size[1])
    rows, columns = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = rgb[top : top + rows, left : left + columns]
    return np.asarray(cv2.resize(middle, size[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_jpeg(rgb: Rgb, *, quality: int = 90) -> bytes:
    """Return RGB uint8 (H, W, 3) as JPEG bytes without chroma subsampling; ``quality`` 1..95."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def encode_webp(rgb: Rgb, *, quality: int = 80, lossless: bool = False) -> bytes:
    """Return RGB uint8 (H, W, 3) as WebP bytes; ``quality`` 0..100 of what is seen, for ``lossless`` of the effort."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "WEBP", quality=quality, lossless=lossless, method=4)
    return stream.getvalue()


def encode_png_index(
    labels: npt.NDArray[np.integer], *, palette: dict[int, tuple[int, int, int]] | None = None
) -> bytes:
    """Return an index map (H, W) of values 0..255 as an 8-bit PNG, each pixel's value its index.

    With ``palette`` (index to RGB) the file shows in colour and still holds the indices; without, it is grey. Raises
    ``ValueError`` for values that do not fit.
    """
    if labels.size and not (labels.min() >= 0 and labels.max() <= 255):
        raise ValueError("an 8-bit index PNG holds 0..255 only")
    table = None
    if palette is not None:
        table = np.zeros((256, 3), dtype=np.uint8)
        for index, color in palette.items():
            if 0 <= index <= 255:
                table[index] = color
    return _png(labels.shape, lambda rows: labels[rows].astype(np.uint8)[..., None], palette=table)


def encode_png_ids(ids: npt.NDArray[np.integer]) -> bytes:
    """Return segment ids (H, W) as a COCO panoptic PNG: id = R + 256 G + 65536 B, 0 = none.

    Raises ``ValueError`` for ids outside 0..2^24 - 1.
    """
    if ids.size and not (ids.min() >= 0 and ids.max() < 1 << 24):
        raise ValueError("a panoptic PNG holds ids 0..2^24 - 1 only")
    shifts = (0, 8, 16)
    return _png(ids.shape, lambda rows: np.stack([(ids[rows] >> shift).astype(np.uint8) for shift in shifts], axis=-1))


def _png(
    shape: tuple[int, ...],
    pixels: Callable[[slice], npt.NDArray[np.uint8]],
    *,
    palette: npt.NDArray[np.uint8] | None = None,
) -> bytes:
    """A PNG of 8 bits a channel (ISO/IEC 15948), some rows at a time, so that it can be stopped in between.

    ``pixels(rows)`` returns (rows, width, 1 or 3), without a palette grey or RGB. Each row is stored as its difference
    to the one above (filter type 2): maps of few large regions become mostly zeros.
    """
    height, width = shape
    channels = pixels(slice(0, 0)).shape[2]
    kind = 3 if palette is not None else 0 if channels == 1 else 2
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if palette is not None:
        parts.append(_chunk(b"PLTE", palette.tobytes()))
    deflate = zlib.compressobj(6)
    above = np.zeros((1, width * channels), np.uint8)
    for part in spans(height, max(1, _STRIP_BYTES // max(1, width * channels))):
        stop_point()
        lines = pixels(part).reshape(part.stop - part.start, -1)
        filtered = np.empty((len(lines), 1 + lines.shape[1]), np.uint8)
        filtered[:, 0] = 2
        np.subtract(lines, np.concatenate([above, lines[:-1]]), out=filtered[:, 1:])
        above = lines[-1:]
        if found := deflate.compress(filtered.data):
            parts.append(_chunk(b"IDAT", found))
    return b"".join([*parts, _chunk(b"IDAT", deflate.flush()), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
