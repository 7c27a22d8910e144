"""Palette files: which class a colour stands for.

Lines of text with three numbers of 0 to 255, or ``#rrggbb``, and a name before or behind them, separated by commas,
tabs or white space (CamVid's ``label_colors.txt``, ``class_dict.csv``); lines without are passed over. Or JSON: an
object of colours by name, or a list of objects with ``name`` and ``color``.
"""

import json
import re
from typing import Any

from segdemo.errors import SegdemoError

Colour = tuple[int, int, int]

MOST = 10_000
"""Lines of a palette file that are read."""
_NUMBERS = re.compile(r"(?<![\w.])(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})(?![\w.])")
_HEX = re.compile(r"#([0-9a-fA-F]{6})\b")


def colour_table(data: bytes) -> list[tuple[str, Colour]]:
    """Class names and their colours; raises ``SegdemoError`` for a file without, or with a colour for two classes."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SegdemoError("The palette file is not text in UTF-8: give lines such as `128 64 128 road`.") from None
    found = _from_json(text) if text.lstrip().startswith(("{", "[")) else _from_lines(text)
    if not found:
        raise SegdemoError("The palette file names no colours: give lines such as `128 64 128 road`.")
    names: dict[Colour, str] = {}
    for name, colour in found:
        if names.setdefault(colour, name) != name:
            raise SegdemoError(f"The palette file gives the colour {colour} to {names[colour]!r} and to {name!r}.")
    return found


def names_colours(data: bytes) -> bool:
    """Whether a file is a palette file."""
    try:
        return bool(colour_table(data))
    except SegdemoError:
        return False


def _from_lines(text: str) -> list[tuple[str, Colour]]:
    found = []
    for line in text.splitlines()[:MOST]:
        numbers, code = _NUMBERS.search(line), _HEX.search(line)
        match = numbers or code
        if match is None:
            continue
        name = f"{line[: match.start()]} {line[match.end() :]}".strip(" \t,;:=\"'()[]")
        colour = _colour([int(part) for part in numbers.groups()] if numbers else list(bytes.fromhex(match[1])))
        if name and colour is not None:
            found.append((name, colour))
    return found


def _from_json(text: str) -> list[tuple[str, Colour]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise SegdemoError("The palette file cannot be read as JSON: save it again.") from None
    entries: list[tuple[Any, Any]] = []
    if isinstance(data, dict):
        entries = list(data.items())
    elif isinstance(data, list):
        entries = [(item.get("name"), item.get("color", item.get("colour"))) for item in data if isinstance(item, dict)]
    found = []
    for name, value in entries:
        if isinstance(value, str) and (code := _HEX.fullmatch(value)):
            value = list(bytes.fromhex(code[1]))
        colour = _colour(value)
        if isinstance(name, str) and name.strip() and colour is not None:
            found.append((name.strip(), colour))
    return found


def _colour(value: Any) -> Colour | None:
    if isinstance(value, list) and len(value) == 3 and all(type(part) is int and 0 <= part <= 255 for part in value):
        return value[0], value[1], value[2]
    return None
