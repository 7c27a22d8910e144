"""A stranger's file to a safe RGB array, or an error a person can act on."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError

from segdemo.errors import SegdemoError
from segdemo.images import jpeg, png, tiff, webp
from segdemo.images.bare import DAMAGED, MAX_PROFILE_BYTES, Bare, unsupported
from segdemo.images.colour import to_srgb
from segdemo.images.orientation import orientation, upright
from segdemo.settings import settings

Rgb = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""Formats that are read, as Pillow calls them; no other decoder sees a stranger's bytes."""
READABLE = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_AVIF_EXIF = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)
"""Where an AVIF lists an item as EXIF (ISO/IEC 14496-12, ``ItemInfoEntry`` of versions 2 and 3)."""


def load_image(source: str | Path | bytes | BinaryIO) -> Rgb:
    """Read a photograph from a path, bytes or an open binary file as RGB uint8 (H, W, 3), upright, in sRGB.

    The first frame of an animation; transparency over white; 16 bits scaled to 8; an embedded colour profile converted
    to sRGB. Of all metadata only orientation and profile are read, and what is broken in them is passed over. Raises
    ``SegdemoError`` with a sentence for what is too large (``max_file_bytes``, ``max_pixels`` and ``max_scans`` of the
    settings, all checked before decoding), damaged, or of another format.
    """
    data = read_bytes(source)
    try:
        return _decoded(data)
    except SegdemoError:
        found = _without_end(data)
        if found is None:
            raise
        return found


def image_size(source: str | Path | bytes | BinaryIO) -> tuple[int, int]:
    """Return height and width of a photograph as ``load_image`` would return it, without decoding its pixels.

    Raises ``SegdemoError`` as ``load_image`` does, but for damage that only decoding finds.
    """
    with _opened(read_bytes(source)) as (image, bare):
        width, height = image.size
        return (width, height) if _turn(image, bare) in (5, 6, 7, 8) else (height, width)


def _decoded(data: bytes) -> Rgb:
    with _opened(data) as (image, bare):
        return _decode(image, bare)


def _without_end(data: bytes) -> Rgb | None:
    """Read a PNG or JPEG of which no pixel is missing, but the last bytes are; none for others."""
    whole, pair = png.mended(data), jpeg.ended(data)
    if whole is not None:
        return _decoded(whole)
    if pair is None:
        return None
    one, other = map(_decoded, pair)
    return one if np.array_equal(one, other) else None


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[ImageFile.ImageFile, Bare]]:
    """Open a picture made bare; whatever its decoder raises becomes a sentence."""
    try:
        bare = _bare(data)
        if bare.refused:
            raise SegdemoError(bare.refused)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(bare.data), formats=FORMATS) as image:
                check_pixels(image.size)
                yield image, bare
    except SegdemoError:
        raise
    except UnidentifiedImageError:
        raise SegdemoError(_what_it_is(data)) from None
    except Image.DecompressionBombError:
        raise SegdemoError(_too_many_pixels()) from None
    except MemoryError:
        raise SegdemoError("There is not enough memory for this picture: make it smaller and try again.") from None
    except Exception as error:
        # Decoders raise whatever they like on damaged bytes: OSError, SyntaxError, ValueError, struct.error and more.
        raise SegdemoError(_why_not(data, error)) from error


def read_bytes(source: str | Path | bytes | BinaryIO) -> bytes:
    """Read a file of at most ``max_file_bytes``; raises ``SegdemoError`` for what is longer, empty, or not there."""
    limit = settings().max_file_bytes
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | Path):
        path = Path(source)
        try:
            with path.open("rb") as stream:
                data = stream.read(limit + 1)
        except FileNotFoundError:
            raise SegdemoError(f"There is no file {path}: check the name.") from None
        except IsADirectoryError:
            raise SegdemoError(f"{path} is a folder: give the pictures in it.") from None
        except OSError as error:
            raise SegdemoError(f"{path} cannot be read: {error.strerror or error}.") from error
        except ValueError:
            raise SegdemoError(f"{str(path)!r} cannot be the name of a file: check the name.") from None
    else:
        data = source.read(limit + 1)
    if len(data) > limit:
        raise SegdemoError(
            f"The file is larger than {limit / 1e6:g} MB: save it smaller, for instance as a JPEG, and try again."
        )
    if not data:
        raise SegdemoError("The file is empty: save or download it again.")
    return data


def _bare(data: bytes) -> Bare:
    """Take off the metadata where it can keep a decoder from the pixels."""
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.bare_jpeg(data)
    if data.startswith(png.SIGNATURE):
        return png.bare_png(data)
    if data.startswith(tiff.SIGNATURES):
        return tiff.bare_tiff(data)
    if webp.is_webp(data):
        return webp.bare_webp(data)
    if data[4:8] == b"ftyp":
        # Boxes of its own turn an AVIF, which Pillow heeds. Its EXIF is not needed, and ends the reading where broken.
        return Bare(_AVIF_EXIF.sub(rb"\1skip", data[:65536]) + data[65536:])
    return Bare(data)


def _decode(image: ImageFile.ImageFile, bare: Bare) -> Rgb:
    """Decode the first frame, the one that is open; how many there are is not asked, since that reads them all."""
    # A frame of a GIF may be smaller than the picture: what is beside it is transparent, whatever the file calls it.
    frame = image.tile[0][1] if image.format == "GIF" and image.tile else None
    image.load()
    profile = bare.profile
    if image.format == "AVIF":
        profile = image.info.get("icc_profile", b"")[:MAX_PROFILE_BYTES]
    pixels = np.array(to_srgb(upright(image, _turn(image, bare)), profile), dtype=np.uint8)
    if frame is not None:
        left, top, right, bottom = frame
        pixels[:top], pixels[bottom:], pixels[:, :left], pixels[:, right:] = 255, 255, 255, 255
    return pixels


def _turn(image: Image.Image, bare: Bare) -> int:
    return orientation([image.info.get("exif", b"")]) if image.format == "AVIF" else bare.orientation


def check_pixels(size: tuple[int, int]) -> None:
    """Raise ``SegdemoError`` for a width and height that make more than ``max_pixels``, or none."""
    if size[0] * size[1] > settings().max_pixels:
        raise SegdemoError(_too_many_pixels(size))
    if min(size) < 1:
        raise SegdemoError("The picture has no pixels: save or download it again.")


def _too_many_pixels(size: tuple[int, int] | None = None) -> str:
    limit = settings().max_pixels / 1e6
    found = f" ({size[0]} x {size[1]} is {size[0] * size[1] / 1e6:.0f})" if size else ""
    return f"The picture has more than {limit:g} megapixels{found}: make it smaller and try again."


def _why_not(data: bytes, error: Exception) -> str:
    """Say what kept a decoder that knew the format from the pixels."""
    if data.startswith(b"BM") and "nsupported" in str(error):
        return unsupported("BMP")
    if data.startswith(tiff.SIGNATURES) and tiff.complete(data):
        return unsupported("TIFF")
    return DAMAGED


def _what_it_is(data: bytes) -> str:
    """Say what a file that no decoder took may be, and what to do with it."""
    head = data[:512].lstrip().lower()
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return "This is a HEIC picture, which cannot be read here: save it as a JPEG and try again."
    if head.startswith((b"<svg", b"<?xml")) or b"<svg" in head:
        return "This is an SVG drawing, not a photograph: export it as a PNG and try again."
    if head.startswith(b"%pdf"):
        return "This is a PDF document, not a photograph: save the page as a PNG and try again."
    if data.startswith(tiff.SIGNATURES) and tiff.complete(data):
        return unsupported("TIFF")
    if data.startswith((b"\xff\xd8", b"BM", png.SIGNATURE, b"RIFF", b"GIF8", *tiff.SIGNATURES)):
        return DAMAGED
    return f"This file is not a picture that can be read here: give a {READABLE} file."
