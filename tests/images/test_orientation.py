"""Which way is up: the orientation is found wherever files keep it, whatever stands beside it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from segdemo.images.png import chunk
from tests.images.written import RGB, TURNED, encoded, exif, jpeg_with, png_with, same, segment

UNSOUND = {
    "a rational over zero": exif((0x011A, 5, 1, struct.pack("<I", 8))),
    "a resolution that is a word": exif((0x011A, 2, 3, b"72\0")),
    "a unit that is a word": exif((0x0128, 2, 2, b"2\0")),
    "a size that is a word": exif((0x0100, 2, 4, b"abc\0")),
    "a type that is unknown": exif((0x0131, 99, 3, b"abc")),
    "a count without end": exif((0x0131, 2, 0x7FFFFFF0, b"\0\0\0\1")),
    "a directory beyond": exif((0x8769, 4, 1, struct.pack("<I", 60000))),
    "a directory that loops": exif((0x8769, 4, 1, struct.pack("<I", 8)), (0x8825, 4, 1, struct.pack("<I", 8))),
    "a header twice": b"Exif\0\0" + exif(),
    "big-endian": b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0) + bytes(4),
}


@pytest.mark.parametrize("block", UNSOUND.values(), ids=UNSOUND)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_read_whatever_stands_beside_it(kind: str, block: bytes) -> None:
    data = jpeg_with(segment(0xE1, b"Exif\0\0" + block)) if kind == "JPEG" else encoded(kind, exif=b"Exif\0\0" + block)
    assert same(data, TURNED, 40 if kind == "JPEG" else 0)


@pytest.mark.parametrize(
    "block", [b"", b"\7no TIFF header", b"b'Exif'", exif()[:14], exif(orientation=9), b"II*\0\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_without_an_orientation_leaves_the_picture_as_it_is(kind: str, block: bytes) -> None:
    if kind == "AVIF":
        # Broken after it is written, since Pillow's writer refuses what its reader does.
        sound = exif((0x0131, 2, 4, b"abc\0"), orientation=1)
        data = encoded(kind, exif=b"Exif\0\0" + sound).replace(sound[:8], (block + bytes(8))[:8])
    elif kind == "JPEG":
        data = jpeg_with(segment(0xE1, b"Exif\0\0" + block))
    else:
        data = encoded(kind, exif=b"Exif\0\0" + block)
    assert same(data, RGB, {"JPEG": 40, "AVIF": 20}.get(kind, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_all_turns_are_as_pillow_makes_them(kind: str, orientation: int) -> None:
    tag = Image.Exif()
    tag[0x0112] = orientation
    data = encoded(kind, **({"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": tag}))
    with Image.open(io.BytesIO(data)) as image:
        assert same(data, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))


def test_xmp_names_the_orientation_where_exif_does_not() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    keyword = b"XML:com.adobe.xmp"
    assert same(jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)), TURNED, 40)
    assert same(png_with(chunk(b"iTXt", keyword + b"\0\0\0\0\0" + xmp)), TURNED)
    assert same(png_with(chunk(b"iTXt", keyword + b"\0\1\0\0\0" + zlib.compress(xmp))), TURNED)
    assert same(encoded("WEBP", xmp=xmp), TURNED)
    assert same(png_with(chunk(b"eXIf", exif(orientation=1)), chunk(b"iTXt", keyword + b"\0\0\0\0\0" + xmp)), RGB)


@pytest.mark.parametrize("packed", [False, True])
def test_exif_as_imagemagick_writes_it_into_a_text(packed: bool) -> None:
    block = b"Exif\0\0" + exif()
    text = f"\nexif\n{len(block):8d}\n{block.hex()}\n".encode()
    body = b"Raw profile type exif\0" + (b"\0" + zlib.compress(text) if packed else text)
    assert same(png_with(chunk(b"zTXt" if packed else b"tEXt", body)), TURNED)
