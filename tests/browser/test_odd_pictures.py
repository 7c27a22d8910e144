"""What Chromium shows of odd picture files is what the package reads."""

import base64
import struct

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from segdemo.images import load_image
from segdemo.images.png import chunk as png_chunk
from tests.images.test_bare import CHUNKS, SEGMENTS, palette_png
from tests.images.written import RGB, encoded, exif, jpeg_with, png_with, segment
from tests.picking import rest_slow

SHOW = """async ([file, kind]) => {
  const image = new Image();
  image.src = `data:image/${kind};base64,${file}`;
  try { await image.decode(); } catch { return null; }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  return [canvas.height, canvas.width, Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data)];
}"""
"""The pixels of a file over white, nothing where it is not shown."""
_JPEG, _PNG, _WEBP, _GIF = (encoded(kind) for kind in ("JPEG", "PNG", "WEBP", "GIF"))
_CMYK = encoded("JPEG", Image.fromarray(RGB).convert("CMYK"))
_RED = png_chunk(b"PLTE", bytes([200, 0, 0, 0, 200, 0, 0, 0, 200]))
_FRAME = _GIF.index(b",")
FILES = {
    **{f"PNG with {name}": png_with(chunks) for name, chunks in CHUNKS.items()},
    **{f"JPEG with {name}": jpeg_with(segments) for name, segments in SEGMENTS.items()},
    **{f"turned {turn}": jpeg_with(segment(0xE1, b"Exif\0\0" + exif(orientation=turn))) for turn in range(1, 9)},
    **{f"Adobe transform {kind}": jpeg_with(segment(0xEE, b"Adobe\0d\0\0\0\0" + bytes([kind]))) for kind in range(3)},
    "CMYK": _CMYK,
    "JPEG of 3000 segments": jpeg_with(segment(0xE5, b"x") * 3000),
    "PNG without its end": _PNG[:-12],
    "PNG and more": _PNG + b"more",
    "early transparency": palette_png(png_chunk(b"tRNS", bytes(1)), _RED),
    "WebP longer than its file": _WEBP[:4] + struct.pack("<I", 10**6) + _WEBP[8:],
    "GIF frame": _GIF[:6] + struct.pack("<HH", 20, 12) + _GIF[10:_FRAME] + b",\3\0\2\0" + _GIF[_FRAME + 5 :],
    "moving GIF": encoded("GIF", save_all=True, append_images=[Image.new("RGB", (10, 6), "yellow")]),
    "moving WebP": encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (10, 6), "yellow")]),
    "AVIF": encoded("AVIF"),
}
QUICK = ("turned 6", "Adobe transform 2", "CMYK", "early transparency", "GIF frame", "PNG with a wrong check sum")


@pytest.mark.parametrize("name", rest_slow(FILES, QUICK.__contains__))
def test_what_a_browser_shows_is_read(chromium: Browser, name: str) -> None:
    page = chromium.new_page()
    kind = {b"\xff": "jpeg", b"\x89": "png", b"R": "webp", b"G": "gif"}.get(FILES[name][:1], "avif")
    shown = page.evaluate(SHOW, [base64.b64encode(FILES[name]).decode(), kind])
    page.close()
    found = load_image(FILES[name])
    if shown is not None:
        height, width, values = shown
        pixels = np.array(values, np.uint8).reshape(height, width, 4)[..., :3]
        assert found.shape == pixels.shape
        # Decoders of lossy formats round each in their own way.
        assert np.abs(found.astype(int) - pixels).max() <= (3 if kind in ("png", "gif", "webp") else 16)
