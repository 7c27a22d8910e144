"""PNGs whose pixels are numbers: maps of class indices and of ids, from files."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from segdemo.errors import SegdemoError
from segdemo.images.png import SIGNATURE, bare_png
from segdemo.images.reading import check_pixels, read_bytes

Size = tuple[int, int]

_ONE_CHANNEL = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def decode_png_ids(
    source: str | Path | bytes, *, size: Size | None = None, palette: bool = False
) -> npt.NDArray[np.int32]:
    """Return the segment ids int32 (H, W) of a PNG: id = R + 256 G + 65536 B in colour, the value itself in grey.

    With ``palette`` the ids of a PNG that has one are the places in it (Pascal VOC), without they are its colours.
    ``size`` (height, width) is what the map should have; another is refused before decoding, as is one beyond the
    settings' ``max_pixels``. Raises ``SegdemoError`` with a sentence for what cannot be read.
    """
    with _open(source, size) as image:
        if image.mode in _ONE_CHANNEL and (palette or image.mode != "P"):
            return np.asarray(_stored(image), np.int32)
        rgb = np.asarray(image.convert("RGB"), dtype=np.int32)
    return np.asarray(rgb @ np.array([1, 256, 65536], dtype=np.int32), dtype=np.int32)


def decode_png_index(source: str | Path | bytes, *, size: Size | None = None) -> npt.NDArray[np.int32]:
    """Return the values int32 (H, W) that a PNG of one channel stores: grey of 1 to 16 bits, or places in its palette.

    ``size`` and errors as in ``decode_png_ids``; colour is refused.
    """
    with _open(source, size) as image:
        if image.mode not in _ONE_CHANNEL:
            raise SegdemoError("It is not an index PNG: it should have one channel of class indices.")
        return np.asarray(_stored(image), np.int32)


def decode_png_values(
    source: str | Path | bytes, *, size: Size | None = None
) -> npt.NDArray[np.int32] | npt.NDArray[np.uint8]:
    """Return what a PNG stores: as ``decode_png_index`` does, or the colours uint8 (H, W, 3) of a PNG in colour.

    ``size`` and errors as in ``decode_png_ids``; transparency is refused.
    """
    with _open(source, size) as image:
        if image.mode in _ONE_CHANNEL:
            return np.asarray(_stored(image), np.int32)
        if image.mode not in ("RGB", "RGBA"):
            raise SegdemoError("It is neither an index PNG nor in colour: save it again.")
        if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
            raise SegdemoError("It is transparent in places: save it without transparency.")
        return np.asarray(image.convert("RGB"))


@contextmanager
def _open(source: str | Path | bytes, size: Size | None) -> Iterator[ImageFile.ImageFile]:
    """Open a PNG without its metadata; whatever its decoder raises becomes a sentence."""
    data = read_bytes(source)
    if not data.startswith(SIGNATURE):
        raise SegdemoError("It cannot be read as a PNG: save it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(bare_png(data).data), formats=("PNG",)) as image:
                if size is not None and image.size != (size[1], size[0]):
                    found, wanted = (f"{width}x{height}" for width, height in (image.size, size[::-1]))
                    raise SegdemoError(f"It is {found}, but its picture is {wanted}.")
                check_pixels(image.size)
                yield image
    except SegdemoError:
        raise
    except Exception as error:
        # Decoders raise whatever they like on damaged bytes.
        raise SegdemoError("It is damaged or cut off and cannot be read as a PNG: save it again.") from error


def _stored(image: ImageFile.ImageFile) -> npt.NDArray[Any]:
    """The numbers in the file: Pillow spreads grey of 2 and 4 bits over 0..255."""
    bits = str(image.tile[0].args).partition(";")[2] if image.tile and image.mode == "L" else ""
    values = np.asarray(image)
    return np.asarray(values // {"2": 85, "4": 17}.get(bits, 1) if values.dtype != np.bool_ else values)
