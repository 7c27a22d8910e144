"""JSON that is read entry by entry holds what ``json`` reads at once, however little is read at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from segdemo.data import files
from segdemo.data.files import json_entries
from segdemo.errors import SegdemoError

DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"images": [], "info": {}, "empty": ""},
    {"images": [1, 2.5, -3e-7, 12345678901234567890, True, False, None], "last": 1234567},
    {"a": [{"b": [[1, 2], [3, "]}"]], "c": 'quo"te \\ é 🚲 \u2028'}], "d": {"e": {"f": [1]}}, "g": "x" * 50},
    {"numbers": list(range(200)), "é": [[], {}, [[[]]]], "nan": [1e400]},
]


def gathered(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, place, value in json_entries(path):
        if place is None:
            found[key] = value
        else:
            assert place == len(found.setdefault(key, []))
            found[key].append(value)
    return found


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
@pytest.mark.parametrize("indent", [None, 1])
def test_entries_are_what_json_reads(
    document: dict[str, Any], chunk: int, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CHUNK", chunk)
    path = tmp_path / "x.json"
    path.write_text("\ufeff" + json.dumps(document, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    assert gathered(path) == document


@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"'{' expected at character 0"),
        (b"[1]", r"'{' expected at character 0"),
        (b'{"a": [1,\n2,\n tru]}', r"Expecting value: line 3 \(char 14\)"),
        (b'{"a": [1, 2}', r"',' expected at character 11"),
        (b'{"a" 1}', r"':' expected at character 5"),
        (b"{1: 2}", "a key should be in quotes"),
        (b'{"a": "cut', r"Unterminated string starting at: line 1 \(char 6\)"),
        (b'{"a": [1', r"',' expected at character 8"),
        (b'{"a": 1,\n"b": "\xff"}', "UTF-8: see line 2"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
    ],
    ids=range(10),
)
def test_what_is_no_json_is_named_with_its_place(
    content: bytes, said: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CHUNK", chunk)
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SegdemoError, match=rf"x\.json cannot be read.*{said}"):
        list(json_entries(path))


def test_what_is_passed_is_not_kept(tmp_path: Path) -> None:
    """A file of 30 MB in 2 MB: reading it whole would take all of it."""
    import tracemalloc

    path = tmp_path / "x.json"
    path.write_text(json.dumps({"numbers": ["x" * 1000] * 30_000}))
    tracemalloc.start()
    assert sum(1 for _ in json_entries(path)) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    # Whoever looks at the beginning reads the beginning, and the file is closed.
    assert next(json_entries(path))[:2] == ("numbers", 0)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"cannot be read: Is a directory"):
        list(json_entries(tmp_path))
    with pytest.raises(SegdemoError, match=r"cannot be read: embedded null"):
        list(json_entries(tmp_path / "a\0b"))
