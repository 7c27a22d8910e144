"""The image loader: every kind of file of the table, each with its picture or its sentence."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from segdemo.errors import SegdemoError
from segdemo.images import (
    decode_png_ids,
    display_image,
    encode_jpeg,
    encode_png_ids,
    encode_png_index,
    load_image,
    reading,
)
from segdemo.settings import Settings


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def two_tone(mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue, 8 x 4 pixels."""
    image = Image.new("RGB", (8, 4), (255, 0, 0))
    image.paste((0, 0, 255), (4, 0, 8, 4))
    return image.convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_come_back_exactly(kind: str) -> None:
    image = two_tone("P" if kind == "GIF" else "RGB")
    assert np.array_equal(load_image(encoded(image, kind)), np.asarray(two_tone()))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_come_back_closely(kind: str) -> None:
    image = Image.new("RGB", (32, 24), (200, 40, 90))
    pixels = load_image(encoded(image, kind))
    assert pixels.shape == (24, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (200, 40, 90)).max() <= 6


def test_source_may_be_a_path_or_an_open_file(tmp_path: Path) -> None:
    file = tmp_path / "red.png"
    file.write_bytes(encoded(two_tone(), "PNG"))
    with file.open("rb") as stream:
        assert np.array_equal(load_image(stream), load_image(file))
    assert np.array_equal(load_image(str(file)), np.asarray(two_tone()))


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = load_image(encoded(two_tone(), "PNG", exif=exif))
    assert pixels.shape == (8, 4, 3)
    assert tuple(pixels[0, 0]) == (255, 0, 0)
    assert tuple(pixels[-1, 0]) == (0, 0, 255)


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (2, 1), (10, 20, 30, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    pixels = load_image(encoded(image, "PNG"))
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert np.abs(pixels[0, 1].astype(int) - 127).max() <= 1


def test_grey_with_alpha_and_palette_with_transparency() -> None:
    grey = Image.new("LA", (1, 1), (40, 0))
    assert tuple(load_image(encoded(grey, "PNG"))[0, 0]) == (255, 255, 255)
    palette = two_tone().convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    left = palette.getpixel((0, 0))
    pixels = load_image(encoded(palette, "PNG", transparency=left))
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert tuple(pixels[0, -1]) == (0, 0, 255)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.array([[0, 257 * 64, 257 * 128, 65535]], dtype=np.uint16)
    pixels = load_image(encoded(Image.fromarray(ramp), "PNG"))
    assert pixels[0, :, 0].tolist() == [0, 64, 128, 255]
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_floating_point_grey_is_scaled() -> None:
    ramp = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    assert load_image(encoded(Image.fromarray(ramp), "TIFF"))[0, :, 1].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("CMYK", "TIFF")])
def test_every_mode_becomes_three_channels(mode: str, kind: str) -> None:
    pixels = load_image(encoded(two_tone(mode), kind))
    assert pixels.shape == (4, 8, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((255, 0, 0), (0, 255, 0))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert tuple(load_image(data)[8, 8]) == (255, 0, 0)


def test_embedded_profile_is_converted_to_srgb() -> None:
    """In the Lab profile's stead a linear-light grey profile: a linear 50 % is a much lighter sRGB value."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = load_image(encoded(two_tone(), "PNG", icc_profile=srgb))
    assert np.abs(plain.astype(int) - np.asarray(two_tone())).max() <= 1
    swapped = load_image(encoded(two_tone(), "PNG", icc_profile=_swap_red_and_blue(srgb)))
    assert swapped[0, 0, 2] > 200 > 50 > swapped[0, 0, 0]


def _swap_red_and_blue(profile: bytes) -> bytes:
    """Exchange the red and blue primaries in a profile's tag table."""
    marked = profile.replace(b"rXYZ", b"tttt", 1).replace(b"bXYZ", b"rXYZ", 1)
    return marked.replace(b"tttt", b"bXYZ", 1)


@pytest.mark.parametrize("profile", [b"nonsense", b""])
def test_a_broken_profile_is_left_aside(profile: bytes) -> None:
    pixels = load_image(encoded(two_tone(), "PNG", icc_profile=profile))
    assert np.array_equal(pixels, np.asarray(two_tone()))


@pytest.mark.parametrize("size", [(1, 900), (900, 1), (1, 1)])
def test_extreme_shapes_are_read(size: tuple[int, int]) -> None:
    pixels = load_image(encoded(Image.new("RGB", size, (9, 8, 7)), "PNG"))
    assert pixels.shape == (size[1], size[0], 3)


def test_a_large_picture_is_refused_before_it_is_decoded() -> None:
    """The header promises 169 megapixels; there is no pixel data, so decoding would fail in another way."""
    header = struct.pack(">IIBBBBB", 13000, 13000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    idat = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(SegdemoError, match="more than 40 megapixels"):
        load_image(b"\x89PNG\r\n\x1a\n" + chunk + idat)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "settings", lambda: Settings(max_file_bytes=100, max_pixels=1000))


@pytest.mark.usefixtures("small_limit")
def test_a_large_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(b"x" * 101)
    for source in (file, file.read_bytes(), io.BytesIO(file.read_bytes())):
        with pytest.raises(SegdemoError, match="larger than"):
            load_image(source)


def test_truncated_files_of_every_format() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "GIF"):
        data = encoded(noise.convert("P") if kind == "GIF" else noise, kind)
        with pytest.raises(SegdemoError, match=r"damaged|not a picture"):
            load_image(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\0" * 200, "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, words: str) -> None:
    with pytest.raises(SegdemoError, match=words):
        load_image(data)


def test_formats_that_are_not_promised_are_not_decoded() -> None:
    with pytest.raises(SegdemoError, match="not a picture"):
        load_image(encoded(two_tone(), "PPM"))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match="no file"):
        load_image(tmp_path / "none.png")
    with pytest.raises(SegdemoError, match="folder"):
        load_image(tmp_path)


def test_display_image_averages_and_respects_the_limit() -> None:
    checker = np.indices((40, 60)).sum(axis=0) % 2 * np.uint8(255)
    rgb = np.repeat(checker[..., None].astype(np.uint8), 3, axis=2)
    small = display_image(rgb, 600)
    assert small.shape == (20, 30, 3)
    assert np.abs(small.astype(int) - 128).max() <= 1
    untouched = display_image(rgb, 2400)
    assert np.array_equal(untouched, rgb)
    assert untouched is not rgb
    line = display_image(np.zeros((1, 5000, 3), np.uint8), 100)
    assert line.shape[0] * line.shape[1] <= 100


def test_jpeg_round_trip() -> None:
    rgb = np.full((16, 16, 3), (30, 90, 200), np.uint8)
    assert np.abs(load_image(encode_jpeg(rgb)).astype(int) - rgb).max() <= 4


def test_index_png_holds_the_indices_with_and_without_a_palette() -> None:
    labels = np.array([[0, 7], [149, 255]])
    for palette in (None, {7: (1, 2, 3), 149: (250, 0, 0)}):
        with Image.open(io.BytesIO(encode_png_index(labels, palette=palette))) as image:
            assert np.array_equal(np.asarray(image), labels)
    assert tuple(load_image(encode_png_index(labels, palette={7: (1, 2, 3)}))[0, 1]) == (1, 2, 3)
    with pytest.raises(ValueError, match=r"0\.\.255"):
        encode_png_index(np.array([[256]]))


def test_panoptic_png_is_little_endian_rgb() -> None:
    ids = np.array([[0, 1], [256, 65536 * 3 + 256 * 2 + 1]], dtype=np.int32)
    data = encode_png_ids(ids)
    assert tuple(load_image(data)[1, 1]) == (1, 2, 3)
    assert np.array_equal(decode_png_ids(data), ids)
    with pytest.raises(ValueError, match="ids"):
        encode_png_ids(np.array([[1 << 24]]))
