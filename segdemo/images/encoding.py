"""Arrays back to picture files: photographs, index maps and segment ids."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.images.reading import Rgb
from segdemo.settings import settings


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


def encode_jpeg(rgb: Rgb, *, quality: int = 90) -> bytes:
    """Return RGB uint8 (H, W, 3) as JPEG bytes without chroma subsampling; ``quality`` 1..95."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality, subsampling=0)
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
    image = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8))
    if palette is not None:
        table = np.zeros((256, 3), dtype=np.uint8)
        for index, color in palette.items():
            if 0 <= index <= 255:
                table[index] = color
        image.putpalette(table.tobytes())
    return _png(image)


def encode_png_ids(ids: npt.NDArray[np.integer]) -> bytes:
    """Return segment ids (H, W) as a COCO panoptic PNG: id = R + 256 G + 65536 B, 0 = none.

    Raises ``ValueError`` for ids outside 0..2^24 - 1.
    """
    if ids.size and not (ids.min() >= 0 and ids.max() < 1 << 24):
        raise ValueError("a panoptic PNG holds ids 0..2^24 - 1 only")
    return _png(Image.fromarray(np.stack([(ids >> shift & 255) for shift in (0, 8, 16)], axis=-1).astype(np.uint8)))


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
