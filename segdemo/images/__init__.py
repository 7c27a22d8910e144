"""A stranger's file to a safe RGB array, or an error a person can act on; and arrays back to files."""

from segdemo.images.encoding import (
    decode_png_ids,
    display_image,
    encode_jpeg,
    encode_png_ids,
    encode_png_index,
)
from segdemo.images.reading import FORMATS, Rgb, load_image

__all__ = [
    "FORMATS",
    "Rgb",
    "decode_png_ids",
    "display_image",
    "encode_jpeg",
    "encode_png_ids",
    "encode_png_index",
    "load_image",
]
