"""A stranger's file to a safe RGB array, or an error a person can act on; and arrays back to files."""

import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from segdemo.errors import SegdemoError
from segdemo.settings import settings

Rgb = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""Formats that are read, as Pillow calls them (MPO comes with JPEG); no other decoder sees a stranger's bytes."""
_READABLE = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")


def load_image(source: str | Path | bytes | BinaryIO) -> Rgb:
    """Read a photograph from a path, bytes or an open binary file as RGB uint8 (H, W, 3), upright, in sRGB.

    The first frame of an animation; transparency over white; 16 bits scaled to 8; an embedded colour profile converted
    to sRGB. Raises ``SegdemoError`` with a sentence for what is too large (``max_file_bytes``, ``max_pixels`` of the
    settings, both checked before decoding), damaged, or of another format.
    """
    data = _read(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_pixels(image.size)
                return _decode(image)
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
        raise SegdemoError(
            "The picture is damaged or cut off and cannot be read: save or download it again."
        ) from error


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


def decode_png_ids(data: bytes) -> npt.NDArray[np.int32]:
    """Return the segment ids int32 (H, W) of a COCO panoptic PNG."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        rgb = np.asarray(image.convert("RGB"), dtype=np.int32)
    return np.asarray(rgb @ np.array([1, 256, 65536], dtype=np.int32), dtype=np.int32)


def _read(source: str | Path | bytes | BinaryIO) -> bytes:
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
    else:
        data = source.read(limit + 1)
    if len(data) > limit:
        raise SegdemoError(
            f"The file is larger than {limit / 1e6:g} MB: save it smaller, for instance as a JPEG, and try again."
        )
    if not data:
        raise SegdemoError("The file is empty: save or download it again.")
    return data


def _check_pixels(size: tuple[int, int]) -> None:
    if size[0] * size[1] > settings().max_pixels:
        raise SegdemoError(_too_many_pixels(size))
    if min(size) < 1:
        raise SegdemoError("The picture has no pixels: save or download it again.")


def _too_many_pixels(size: tuple[int, int] | None = None) -> str:
    limit = settings().max_pixels / 1e6
    found = f" ({size[0]} x {size[1]} is {size[0] * size[1] / 1e6:.0f})" if size else ""
    return f"The picture has more than {limit:g} megapixels{found}: make it smaller and try again."


def _decode(image: ImageFile.ImageFile) -> Rgb:
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image.load()
    profile = image.info.get("icc_profile")
    upright: Image.Image = ImageOps.exif_transpose(image)
    rgb = _to_srgb(upright, profile)
    return np.array(rgb, dtype=np.uint8)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring any mode to RGB in sRGB, transparency over white."""
    if image.mode in _DEEP_GREY:
        return _grey_from_deep(image).convert("RGB")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA")
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
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _grey_from_deep(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and floating point grey to 8 bits."""
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
    return Image.fromarray(np.clip(np.round(scaled), 0, 255).astype(np.uint8))


def _finite_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _what_it_is(data: bytes) -> str:
    """Say what a file that no decoder took may be, and what to do with it."""
    head = data[:512].lstrip().lower()
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return "This is a HEIC picture, which cannot be read here: save it as a JPEG and try again."
    if head.startswith((b"<svg", b"<?xml")) or b"<svg" in head:
        return "This is an SVG drawing, not a photograph: export it as a PNG and try again."
    if head.startswith(b"%pdf"):
        return "This is a PDF document, not a photograph: save the page as a PNG and try again."
    if data[:2] in (b"\xff\xd8", b"BM") or data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] in (b"RIFF", b"GIF8"):
        return "The picture is damaged or cut off and cannot be read: save or download it again."
    return f"This file is not a picture that can be read here: give a {_READABLE} file."


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
