"""Metadata does not decide whether pixels can be read: sound pixels beside every kind of unsound metadata."""

import contextlib
import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from segdemo.errors import SegdemoError
from segdemo.images import load_image
from segdemo.images.png import SIGNATURE, chunk
from tests.images.written import RGB, TURNED, encoded, exif, jpeg_with, png_with, same, segment

LONG = zlib.compress(bytes(30_000_000))
WRONG_SUM = struct.pack(">I", 4) + b"gAMA" + bytes(4) + b"\1\2\3\4"
CHUNKS = {
    "a long packed text": chunk(b"zTXt", b"workflow\0\0" + LONG),
    "a long packed XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "a long profile": chunk(b"iCCP", b"p\0\0" + LONG),
    "a profile that is not packed": chunk(b"iCCP", b"p\0\0no deflate"),
    "a profile packed in an unknown way": chunk(b"iCCP", b"p\0\7" + zlib.compress(b"profile")),
    "many texts": chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000))) * 100,
    "a short pHYs": chunk(b"pHYs", b"\0\0"),
    "an empty sRGB": chunk(b"sRGB", b""),
    "a short gAMA": chunk(b"gAMA", b"\0"),
    "an empty cHRM": chunk(b"cHRM", b""),
    "a short tRNS": chunk(b"tRNS", b"\0"),
    "an empty acTL": chunk(b"acTL", b""),
    "a wrong fcTL": chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", b"\0" * 26),
    "a wrong check sum": WRONG_SUM,
    "a text without a keyword": chunk(b"tEXt", b"") + chunk(b"zTXt", b"") + chunk(b"iTXt", b""),
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_chunks_that_pixels_do_not_need_are_passed_over(chunks: bytes) -> None:
    assert same(png_with(chunks), RGB)
    if b"tRNS" not in chunks:
        assert same(png_with(late=chunks), RGB)


def test_an_orientation_behind_the_pixels_counts() -> None:
    assert same(png_with(late=chunk(b"eXIf", exif())), TURNED)


def grey_png(depth: int, levels: list[int], clear: int) -> bytes:
    """One row of grey pixels of ``depth`` bits, the level ``clear`` transparent."""
    header = struct.pack(">IIBBBBB", len(levels), 1, depth, 0, 0, 0, 0)
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    body = (
        chunk(b"IHDR", header) + chunk(b"tRNS", struct.pack(">H", clear)) + chunk(b"IDAT", zlib.compress(b"\0" + row))
    )
    return SIGNATURE + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_a_grey_png_becomes_white(depth: int) -> None:
    """PNG 11.3.2.1: the level is given in the picture's own depth."""
    top = (1 << depth) - 1
    assert load_image(grey_png(depth, [0, top], 0))[0, :, 0].tolist() == [255, 255]
    assert load_image(grey_png(depth, [0, top, top], top))[0, :, 0].tolist() == [0, 255, 255]
    if depth > 1:
        assert load_image(grey_png(depth, [0, 1, 2], 1))[0, :, 0].tolist() == [0, 255, round(2 * 255 / top)]


SEGMENTS = {
    "a picture-in-picture list": segment(0xE2, b"MPF\0II*\0" + b"\xff" * 40),
    "a short JFIF": segment(0xE0, b"JFIF\0"),
    "a short Adobe": segment(0xEE, b"Adobe"),
    "a broken Photoshop block": segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\xff\xff\xff\xff"),
    "a profile of parts that lack": segment(0xE2, b"ICC_PROFILE\0\2\3abc"),
    "a profile numbered from zero": segment(0xE2, b"ICC_PROFILE\0\0\0abc"),
    "a comment": segment(0xFE, b"\xff\xd9\xff\xda"),
    "fill bytes": b"\xff\xff\xff",
}


@pytest.mark.parametrize("segments", SEGMENTS.values(), ids=SEGMENTS)
def test_segments_that_pixels_do_not_need_are_passed_over(segments: bytes) -> None:
    assert same(jpeg_with(segments), load_image(encoded("JPEG")))


def test_how_colours_are_coded_is_kept() -> None:
    """The Adobe segment says that these are inverted CMYK, JFIF that three parts are YCbCr."""
    for mode in ("CMYK", "L", "RGB"):
        data = encoded("JPEG", Image.fromarray(RGB).convert(mode))
        with Image.open(io.BytesIO(data)) as image:
            assert same(data, np.asarray(image.convert("RGB")))


def test_a_second_picture_is_not_looked_for() -> None:
    mpo = encoded("MPO", save_all=True, append_images=[Image.new("RGB", (10, 6))], quality=100, subsampling=0)
    second = mpo.rindex(b"\xff\xd8\xff")
    for data in (mpo, mpo[:second], mpo[: second + 40], mpo + bytes(500)):
        assert same(data, RGB, 40)


def progressive(times: int, between: bytes = b"") -> bytes:
    """A progressive JPEG whose last scan comes ``times`` times more, with ``between`` before each."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    data = encoded("JPEG", Image.fromarray(noise), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + (between + data[last:-2]) * times + b"\xff\xd9"


def test_scans_are_counted_before_they_are_read() -> None:
    """Pillow writes ten scans; ``max_scans`` is 100."""
    assert load_image(progressive(90)).shape == (16, 16, 3)
    for between in (b"", segment(0xFE, b"\xff\xd9"), b"\xff\xff\xff", b"\xff\x01" * 9):
        with pytest.raises(SegdemoError, match="more than 100 scans"):
            load_image(progressive(91, between))


def test_what_follows_the_end_of_a_jpeg_is_no_scan() -> None:
    assert load_image(progressive(0) + b"\xff\xda\0\x0c" * 300).shape == (16, 16, 3)


def test_no_number_of_segments_hides_scans() -> None:
    hidden = jpeg_with(segment(0xFE, b"x") * 3000, data=progressive(200))
    with pytest.raises(SegdemoError, match="scans"):
        load_image(hidden)
    with pytest.raises(SegdemoError, match="damaged"):
        load_image(jpeg_with(segment(0xFE, b"x") * 30_000, data=progressive(200)))
    assert load_image(jpeg_with(segment(0xE1, b"x" * 60) * 4000)).shape == RGB.shape


def test_markers_without_end_are_not_followed() -> None:
    with pytest.raises(SegdemoError, match="scans"):
        load_image(progressive(1, b"\xff\x01" * 100_000))
    started = time.process_time()
    for filling in (b"\xff", b"\xff\0", b"\xff\x01", b"\0", b"\xff\xd0"):
        for data in (jpeg_with(filling * 1_000_000), progressive(1, filling * 1_000_000)):
            with contextlib.suppress(SegdemoError):
                load_image(data)
    assert time.process_time() - started < 4


@pytest.mark.parametrize(("frame", "precision"), [(0xC3, 8), (0xC1, 12), (0xC7, 8)])
def test_a_jpeg_of_a_kind_that_is_not_read_is_not_called_damaged(frame: int, precision: int) -> None:
    data = encoded("JPEG")
    at = data.index(b"\xff\xc0")
    data = data[: at + 1] + bytes([frame]) + data[at + 2 : at + 4] + bytes([precision]) + data[at + 5 :]
    with pytest.raises(SegdemoError, match="This JPEG holds its pixels in a form"):
        load_image(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_picture_without_its_end_is_whole_as_long_as_no_pixel_is_missing(kind: str, progressive: bool) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8))
    data = encoded(kind, noise, **({"progressive": progressive} if kind == "JPEG" else {}))
    expected = load_image(data)
    if kind == "JPEG":
        whole = [data[:-1], data[:-2]]
    else:
        start = data.index(b"IDAT") - 4
        (length,) = struct.unpack_from(">I", data, start)
        packed = data[start + 8 : start + 8 + length]
        whole = [data[:-12], data[:-3]]
        whole += [data[:start] + chunk(b"IDAT", part) + data[-12:] for part in (packed[:-4], packed[:-4] + b"sum?")]
    for part in whole:
        assert same(part, expected)
    for gone in (40, 400, len(data) // 2):
        with pytest.raises(SegdemoError, match="damaged or cut off"):
            load_image(data[:-gone])


def test_a_profile_in_any_order_counts_and_one_that_lacks_parts_does_not() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Red and blue change places.
    profile = profile.replace(b"rXYZ", b"....", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"....", b"bXYZ", 1)
    first, second = b"\1\2" + profile[:300], b"\2\2" + profile[300:]
    name = b"ICC_PROFILE\0"
    swapped = load_image(jpeg_with(segment(0xE2, name + second), segment(0xE2, name + first)))
    assert same(jpeg_with(), swapped[..., ::-1], 50)
    assert same(jpeg_with(segment(0xE2, name + b"\1\3" + profile)), load_image(jpeg_with()))


def palette_png(*chunks: bytes) -> bytes:
    """One row of three pixels that name the palette's entries 0, 1, 2."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 1, 8, 3, 0, 0, 0))
    return SIGNATURE + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0\1\2")) + chunk(b"IEND", b"")


def test_palettes_and_their_transparency_are_read_as_libpng_does() -> None:
    red_green = chunk(b"PLTE", bytes([200, 0, 0, 0, 200, 0]))
    half = chunk(b"tRNS", bytes([0]))
    red, green, black, white = [200, 0, 0], [0, 200, 0], [0, 0, 0], [255, 255, 255]
    assert load_image(palette_png(red_green))[0].tolist() == [red, green, black]
    assert load_image(palette_png(red_green, half))[0].tolist() == [white, green, black]
    for ignored in ((half, red_green), (red_green, chunk(b"tRNS", bytes(3)))):
        assert load_image(palette_png(*ignored))[0].tolist() == [red, green, black]


def test_what_a_webp_says_of_its_length_does_not_matter() -> None:
    data = encoded("WEBP")
    for length in (0, 10, 10**6):
        assert same(data[:4] + struct.pack("<I", length) + data[8:], RGB)
    broken = b"EXIF" + struct.pack("<I", 10**6) + exif()
    assert same(data + broken, TURNED)
    assert same(data + b"ICCP" + struct.pack("<I", 4) + b"icc!" + b"ABCD\3\0\0\0abc\0", RGB)


def test_beside_the_first_frame_of_a_gif_it_is_transparent() -> None:
    picture = Image.fromarray(RGB).quantize(8)
    data = encoded("GIF", picture)
    at = data.index(b",")
    moved = data[:6] + struct.pack("<HH", 20, 12) + data[10 : at + 1] + struct.pack("<HH", 3, 2) + data[at + 5 :]
    found = load_image(moved)
    assert found.shape == (12, 20, 3)
    assert np.array_equal(found[2:8, 3:13], load_image(data))
    found[2:8, 3:13] = 255
    assert (found == 255).all()
