"""Any mode of picture to RGB in sRGB, transparency over white."""

import io
import logging
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring any mode to RGB in sRGB, transparency over white."""
    if image.mode in _DEEP_GREY:
        return _grey_from_deep(image)
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif image.mode in ("1", "L", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    base = image.convert(image.mode[:-1]) if alpha is not None else image
    color = _apply_profile(base, profile)
    if alpha is None:
        return color
    white = Image.new("RGB", color.size, (255, 255, 255))
    white.paste(color, mask=alpha)
    return white


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert L, RGB or CMYK to sRGB by its embedded profile; a profile that does not fit or work is left aside."""
    if profile and image.mode in ("L", "RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if {"GRAY": "L"}.get(space, space) == image.mode:
                converted = ImageCms.profileToProfile(
                    image,
                    source,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                )
                if converted is not None:
                    return converted
        except Exception:
            # Whatever is wrong with a profile, the pixels are there.
            logger.debug("a colour profile was left aside", exc_info=True)
    return image.convert("RGB")


def _grey_from_deep(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and floating point grey to 8 bits, the level that stands for transparency to white."""
    values = np.asarray(image)
    if values.dtype.kind == "f":
        low, high = _finite_range(values)
        top = 1.0 if low >= 0 and high <= 1 else 255.0 if low >= 0 and high <= 255 else None
        scaled = values / top if top else (values - low) / max(high - low, 1e-12)
        scaled = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0) * 255
    elif values.max(initial=0) <= 65535 and values.min(initial=0) >= 0:
        scaled = values / 257
    else:
        low, high = _finite_range(values)
        scaled = (values - low) / max(high - low, 1.0) * 255
    grey = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
    if isinstance(image.info.get("transparency"), int):
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")


def _finite_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
