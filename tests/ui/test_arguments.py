"""Arguments from a page: every value is checked."""

import math
from typing import Any

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.packing import pack, to_bytes
from segdemo.results.naming import file_stem
from segdemo.ui.arguments import choice, flag, number, whole


@pytest.mark.parametrize("value", ["0.5", None, True, math.nan, math.inf, 1.5, -0.1, [0.5], {}])
def test_numbers_outside_the_range_or_of_another_kind_are_refused(value: Any) -> None:
    with pytest.raises(SegdemoError, match="threshold"):
        number({"threshold": value}, "threshold", low=0, high=1)


def test_numbers_and_defaults() -> None:
    assert number({"a": 1}, "a", low=0, high=1) == 1.0
    assert number({}, "a", low=0, high=1, default=0.25) == 0.25
    assert whole({"n": 3.0}, "n", low=0, high=9) == 3
    with pytest.raises(SegdemoError, match="whole"):
        whole({"n": 3.5}, "n", low=0, high=9)


def test_choices_and_flags() -> None:
    assert choice({"k": "a"}, "k", ("a", "b")) == "a"
    with pytest.raises(SegdemoError, match="a, b"):
        choice({"k": "../x"}, "k", ("a", "b"))
    assert flag({}, "on") is False
    with pytest.raises(SegdemoError):
        flag({"on": 1}, "on")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("holiday.jpg", "holiday"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\my cat (1).png", "my-cat-1"),
        ("<img src=x onerror=alert(1)>.png", "img-src-x-onerror-alert-1"),
        ("", "photo"),
        ("ñ.jpg", "photo"),
        ("a" * 200 + ".png", "a" * 60),
    ],
)
def test_file_names_lose_what_could_be_a_path_or_markup(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_packed_arrays_are_the_bytes_in_c_order() -> None:
    import base64
    import zlib

    packed = pack(np.array([[1, 258], [3, 4]], np.uint16).T)
    assert packed["dtype"] == "uint16"
    assert packed["shape"] == [2, 2]
    assert zlib.decompress(base64.b64decode(packed["data"])) == bytes([1, 0, 3, 0, 2, 1, 4, 0])


def test_shares_are_rounded_to_the_nearest_of_256_levels() -> None:
    values = np.array([[-0.1, 0.0, 0.5, 0.999, 1.0, 1.1]], np.float32)
    assert to_bytes(values).tolist() == [[0, 0, 128, 255, 255, 255]]
