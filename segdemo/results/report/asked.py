"""What people ask of a report beside the result's options, checked: the same for page, command line, HTTP and MCP."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.prediction import Prediction
from segdemo.results.naming import file_stem

LONGEST_TITLE = 200
"""Characters of a title."""
LONGEST_NOTE = 5000
"""Characters of a note."""
MOST_MAPS = 12
"""Attention maps that can be chosen."""
_PAIR = re.compile(r"\s*(\d{1,4})\s*:\s*(\d{1,4})\s*")
_LARGEST = 1_000_000


@dataclass(frozen=True)
class ReportOptions:
    """What a report says and shows beside the result."""

    title: str = ""
    """Its heading; where empty, one that names the photo."""
    note: str = ""
    """What a person has to say of it; blank lines part paragraphs."""
    name: str = "photo"
    """The photo's file name; no more than its letters, digits, ``-`` and ``_`` are shown."""
    pixel: tuple[int, int] | None = None
    """Column and row of a pixel to explain, from 0 at the top left."""
    query: int | None = None
    """The query to follow through the layers; by default the one that decided the pixel, or most pixels."""
    layer: int | None = None
    """The layer whose attention is shown; by default the last that look at each scale."""
    attention: tuple[tuple[int, int], ...] = ()
    """Attention maps to show instead: layer, from 1, and query, from 0."""

    def __post_init__(self) -> None:
        if len(self.title) > LONGEST_TITLE:
            raise SegdemoError(f"The title has {len(self.title)} characters: keep it to {LONGEST_TITLE}.")
        if len(self.note) > LONGEST_NOTE:
            raise SegdemoError(f"The note has {len(self.note)} characters: keep it to {LONGEST_NOTE}.")
        if len(self.attention) > MOST_MAPS:
            raise SegdemoError(f"{len(self.attention)} attention maps are asked for: choose up to {MOST_MAPS}.")

    @property
    def photo(self) -> str:
        """The photo's name as it is shown."""
        return file_stem(self.name)

    def check(self, prediction: Prediction) -> None:
        """Raise ``SegdemoError`` for a pixel, query or layer that this prediction does not have."""
        height, width = prediction.image_size
        if self.pixel is not None:
            for name, value, length, how in zip("xy", self.pixel, (width, height), ("wide", "high"), strict=True):
                if not 0 <= value < length:
                    raise SegdemoError(
                        f"{name} is {value}: choose 0 to {length - 1}, since the photo is {length} pixels {how}."
                    )
        if self.query is not None:
            _check_query(prediction, self.query)
        if self.layer is not None and prediction.num_layers and not 0 <= self.layer < prediction.num_layers:
            raise SegdemoError(f"layer is {self.layer}: choose 0 to {prediction.num_layers - 1}.")
        for layer, query in self.attention:
            prediction.require("attention")
            if not 1 <= layer <= len(prediction.attentions):
                raise SegdemoError(
                    f"attention names layer {layer}: choose 1 to {len(prediction.attentions)}; the initial prediction "
                    "attends to nothing."
                )
            _check_query(prediction, query)


def report_options(values: Mapping[str, Any]) -> ReportOptions:
    """Return the options for flat ``values`` as they came from outside; what is left out or none takes its default.

    ``title``, ``note`` and ``file_name`` are texts, ``x`` and ``y`` the pixel, ``query`` and ``layer`` whole numbers,
    ``attention`` pairs of layer and query between commas: ``"7:12, 9:12"``. Raises ``SegdemoError`` with a sentence
    that names the option.
    """
    texts = {name: _text(values, name) for name in ("title", "note", "file_name", "attention")}
    x, y, query, layer = (_whole(values, name) for name in ("x", "y", "query", "layer"))
    if (x is None) != (y is None):
        raise SegdemoError(f"{'y' if y is None else 'x'} is missing: give both x and y of the pixel, or neither.")
    return ReportOptions(
        title=texts["title"].strip(),
        note=texts["note"].strip(),
        name=texts["file_name"] or "photo",
        pixel=None if x is None or y is None else (x, y),
        query=query,
        layer=layer,
        attention=parse_pairs(texts["attention"]),
    )


def parse_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Pairs of layer and query out of ``"7:12, 9:12"``. Raises ``SegdemoError``."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise SegdemoError(f"attention has {part[:40]!r}: give LAYER:QUERY, such as 7:12, with commas between.")
        found.append((int(match[1]), int(match[2])))
    return tuple(found)


def parse_pixel(text: str) -> tuple[int, int]:
    """Column and row out of ``"120,80"``. Raises ``SegdemoError``."""
    x, comma, y = (part.strip() for part in text.partition(","))
    if not comma or not all(part.isascii() and part.isdecimal() and len(part) <= 7 for part in (x, y)):
        raise SegdemoError(f"The pixel is {text[:40]!r}: give its column and row, such as 120,80.")
    return int(x), int(y)


def _check_query(prediction: Prediction, query: int) -> None:
    prediction.require("queries")
    if not 0 <= query < prediction.num_queries:
        raise SegdemoError(f"query is {query}: choose 0 to {prediction.num_queries - 1}.")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SegdemoError(f"{name} is {str(value)[:40]}: give a text.")
    return value


def _whole(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    whole = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    if not whole or value != int(value):
        raise SegdemoError(f"{name} is {str(value)[:40]}: give a whole number.")
    return int(value)
