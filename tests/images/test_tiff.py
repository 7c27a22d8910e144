"""TIFF files: the first page's pixels whatever stands beside them, and what Pillow cannot decode is said to be so."""

import struct
import time

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.images import load_image

RGB = np.zeros((6, 10, 3), np.uint8)
RGB[:, :5], RGB[:, 5:], RGB[:2, :2] = (220, 20, 20), (20, 20, 220), 255
TURNED = np.rot90(RGB, -1)


def tiff(
    pixels: np.ndarray = RGB,
    *extra: tuple[int, int, int, bytes],
    order: str = "<",
    big: bool = False,
    head: bytes = b"",
    pages: int = 0,
    **changes: int,
) -> bytes:
    """An uncompressed TIFF of one strip; ``extra`` are (tag, type, count, field); ``pages`` empty ones follow."""
    height, width, samples = pixels.shape
    floating = 3 if pixels.dtype.kind == "f" else 1
    numbers = {256: width, 257: height, 258: pixels.itemsize * 8, 259: 1, 262: 2, 273: 0, 277: samples, 278: height}
    numbers |= {279: pixels.nbytes, 284: 1, 339: floating, **{int(tag[1:]): value for tag, value in changes.items()}}
    offset, counter, entry, width_of = ("Q", "Q", "HHQ", 8) if big else ("I", "H", "HHI", 4)
    head = head or {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HH", 8, 0) if big else b""
    start = len(head) + struct.calcsize(order + offset)
    count = len(numbers) + len(extra)
    size = struct.calcsize(order + counter) + count * (struct.calcsize(order + entry) + width_of) + width_of
    numbers[273] = start + size
    rows = [(tag, 4, 1, struct.pack(order + "I", value)) for tag, value in numbers.items()] + list(extra)
    body = b"".join(struct.pack(order + entry, *row[:3]) + row[3].ljust(width_of, b"\0") for row in sorted(rows))
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    after = start + size + len(data)
    page = struct.calcsize(order + counter) + width_of
    following = [
        struct.pack(order + counter, 0) + struct.pack(order + offset, after + page * n) for n in range(1, pages + 1)
    ]
    first = struct.pack(order + offset, start) + struct.pack(order + counter, count) + body
    return head + first + struct.pack(order + offset, after if pages else 0) + data + b"".join(following)


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_both_byte_orders_and_sizes_of_offsets(order: str, big: bool) -> None:
    assert np.array_equal(load_image(tiff(order=order, big=big)), RGB)
    turned = (274, 3, 1, struct.pack(order + "H", 6))
    assert np.array_equal(load_image(tiff(RGB, turned, order=order, big=big)), TURNED)


@pytest.mark.parametrize("head", [b"II\0*", b"MM*\0"])
def test_the_number_the_wrong_way_round(head: bytes) -> None:
    assert np.array_equal(load_image(tiff(order="<" if head[:1] == b"I" else ">", head=head)), RGB)


@pytest.mark.parametrize(
    "entry",
    [
        (34665, 4, 1, struct.pack("<I", 8)),
        (34665, 4, 1, struct.pack("<I", 10**6)),
        (34853, 2, 3, b"ab\0"),
        (282, 2, 3, b"72\0"),
        (296, 2, 2, b"3\0"),
        (296, 3, 1, struct.pack("<H", 3)),
        (305, 2, 0x7FFFFFF0, b"\0\0\0\1"),
        (34675, 7, 0x7FFFFFF0, b"\0\0\0\1"),
        (700, 1, 0x7FFFFFF0, b"\0\0\0\1"),
        (33723, 4, 1, b"\xff\xff\xff\xff"),
    ],
)
def test_entries_that_pixels_do_not_need_are_passed_over(entry: tuple[int, int, int, bytes]) -> None:
    resolution = (282, 2, 3, b"72\0"), (283, 2, 3, b"72\0")
    extra = [entry] if entry[0] == 282 else [entry, *resolution]
    assert np.array_equal(load_image(tiff(RGB, *extra, (274, 3, 1, b"\6\0"))), TURNED)


def test_pages_are_not_counted() -> None:
    data = tiff(pages=200_000)
    started = time.process_time()
    assert np.array_equal(load_image(data), RGB)
    assert time.process_time() - started < 1


DEEP = (RGB.astype(np.uint16) * 257)[..., :2]
UNREAD = {
    "grey with alpha of 16 bits": tiff(DEEP, (338, 3, 1, b"\2\0"), t262=1),
    "floating point": tiff((RGB / 255).astype(np.float32)),
    "colours of no photometry": tiff(RGB, t262=77),
    "a compression that nobody knows": tiff(RGB, t259=12345),
}


@pytest.mark.parametrize("data", UNREAD.values(), ids=UNREAD)
def test_a_tiff_that_is_not_decoded_is_still_called_a_tiff(data: bytes) -> None:
    with pytest.raises(SegdemoError, match="This TIFF holds its pixels in a form that cannot be read here"):
        load_image(data)


@pytest.mark.parametrize("part", [9, 40, -20])
def test_a_cut_tiff_is_damaged(part: int) -> None:
    with pytest.raises(SegdemoError, match="damaged"):
        load_image(tiff()[:part])


@pytest.mark.parametrize("width", [60_000, 2**31, 2**32 - 1])
def test_sizes_are_checked_before_pixels(width: int) -> None:
    with pytest.raises(SegdemoError, match=r"megapixels|damaged|form"):
        load_image(tiff(RGB, t256=width, t257=width))
