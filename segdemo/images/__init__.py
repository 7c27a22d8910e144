"""A stranger's file to a safe RGB array, or an error a person can act on; and arrays back to files."""

from segdemo.images.encoding import (
    display_image,
    encode_jpeg,
    encode_png_ids,
    encode_png_index,
    encode_webp,
    thumbnail,
)
from segdemo.images.maps import decode_png_ids, decode_png_index, decode_png_values
from segdemo.images.reading import FORMATS, Rgb, image_size, load_image

__all__ = [
    "FORMATS",
    "Rgb",
    "decode_png_ids",
    "decode_png_index",
    "decode_png_values",
    "display_image",
    "encode_jpeg",
    "encode_png_ids",
    "encode_png_index",
    "encode_webp",
    "image_size",
    "load_image",
    "thumbnail",
]
