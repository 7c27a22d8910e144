"""A sender's picture to RGB, or a sentence on what is wrong with it: sizes are checked before anything is decoded."""

import base64
import binascii
import io
import logging
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

logger = logging.getLogger(__name__)

MAX_BYTES = 20_000_000
"""Largest picture, in bytes; checked before base64 is decoded."""
MAX_PIXELS = 40_000_000
"""Largest picture, in pixels; checked before it is decoded."""
MAX_SCANS = 100
"""Most scans of a progressive JPEG: each is a pass over all its pixels, in a few bytes."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


class RequestError(ValueError):
    """Something about a request that its sender can put right; ``str(error)`` is a sentence that says how."""


def picture(source: Any) -> Image.Image:
    """A sender's picture as RGB, upright, in sRGB, transparency over white; sizes are checked before decoding."""
    if isinstance(source, dict):
        source = source.get("image")
    if isinstance(source, str):
        source = _from_base64(source)
    if isinstance(source, bytes | bytearray | memoryview):
        image = _opened(bytes(source))
    elif isinstance(source, Image.Image):
        image = source
    else:
        raise RequestError("A picture comes as the bytes of its file or as their base64.")
    if image.width * image.height > MAX_PIXELS:
        raise RequestError(
            f"The picture has more than {MAX_PIXELS / 1e6:g} megapixels ({image.width} x {image.height}): send it "
            "smaller."
        )
    try:
        return _rgb(image)
    except MemoryError:
        raise
    except Exception:
        # Decoders raise whatever they like on damaged bytes.
        raise RequestError("The picture is damaged or cut short: save or download it again.") from None


def _from_base64(text: str) -> bytes:
    head, comma, rest = text.partition(",") if text[:5] == "data:" else ("", "", text)
    if head and not (comma and head.endswith(";base64")):
        raise RequestError("A data URL must hold base64: data:image/jpeg;base64,...")
    if rest[:8].lower().startswith(("http:", "https:", "file:", "ftp:", "s3:", "gs:")):
        raise RequestError("Nothing is fetched from addresses here: send the picture itself, as base64.")
    if len(rest) > MAX_BYTES * 4 // 3 + 4 + len(rest) // 64:
        raise RequestError(f"The picture is larger than {MAX_BYTES / 1e6:g} MB: save it smaller and send it again.")
    try:
        return base64.b64decode("".join(rest.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("The text is not base64 of a picture: encode the file's bytes.") from None


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise RequestError("The picture is empty: save or download it again.")
    if len(data) > MAX_BYTES:
        raise RequestError(f"The picture is larger than {MAX_BYTES / 1e6:g} MB: save it smaller and send it again.")
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > MAX_SCANS:
        raise RequestError(f"The JPEG has more than {MAX_SCANS} scans: save it again as a plain one.")
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestError(f"The picture has more than {MAX_PIXELS / 1e6:g} megapixels: send it smaller.") from None
    except Exception:
        raise RequestError(
            "This is no picture that can be read here: send a JPEG, PNG, WebP, GIF, BMP or TIFF."
        ) from None


def _rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None:
        image = image.convert(image.mode[:-1])
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target, intent = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
            image = ImageCms.profileToProfile(image, source, target, intent, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            logger.debug("a colour profile was left aside", exc_info=True)
    color = image.convert("RGB")
    if alpha is None:
        return color
    white = Image.new("RGB", color.size, (255, 255, 255))
    white.paste(color, mask=alpha)
    return white
