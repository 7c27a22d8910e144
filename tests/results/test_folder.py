"""A batch's folder: whole files, and never more known than there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segdemo.results.folder import Entry, Results


@pytest.fixture
def results(tmp_path: Path) -> Results:
    made = Results(tmp_path / "out")
    made.prepare()
    return made


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"photo")
    return tmp_path / "a.jpg"


def _entry(photo: Path, **changes: object) -> Entry:
    given = {
        "name": "a",
        "file": "a.jpg",
        "status": "done",
        "classes": (("sky", 0.5), ("tree, green", 0.25)),
        "sha256": "6adfb92a09a19ae6cd50b14e4c4a5d1b",
        "nbytes": 5,
        "source": str(photo),
        "changed": photo.stat().st_mtime_ns,
        "work": "w",
        "files": ("a.png",),
    }
    return Entry(**{**given, **changes})  # type: ignore[arg-type]


def test_what_is_kept_comes_back(results: Results, photo: Path) -> None:
    entry = _entry(photo)
    results.keep(entry, {"a.png": b"map"})
    assert results.entry("a") == entry
    assert list(results.entries()) == [entry]
    assert (results.folder / "a.png").read_bytes() == b"map"
    assert results.is_done(entry, photo, "w")


def test_what_is_not_done(results: Results, photo: Path) -> None:
    entry = _entry(photo)
    results.keep(entry, {"a.png": b"map"})
    assert not results.is_done(entry, photo, "other options")
    assert not results.is_done(_entry(photo, status="failed"), photo, "w")
    photo.write_bytes(b"another photo")
    assert not results.is_done(entry, photo, "w")
    (results.folder / "a.png").unlink()
    assert not results.is_done(entry, photo, "w")


def test_a_photo_is_known_by_its_content_where_it_was_moved(results: Results, photo: Path) -> None:
    import hashlib

    entry = _entry(photo, sha256=hashlib.sha256(b"photo").hexdigest())
    results.keep(entry, {"a.png": b"map"})
    moved = photo.with_name("b.jpg")
    moved.write_bytes(b"photo")
    assert results.is_done(entry, moved, "w")
    moved.write_bytes(b"phot0")
    assert not results.is_done(entry, moved, "w")


def test_results_of_other_options_do_not_stay(results: Results, photo: Path) -> None:
    results.keep(_entry(photo, files=("a.png", "a.json")), {"a.png": b"1", "a.json": b"2"})
    results.keep(_entry(photo), {"a.png": b"3"})
    assert not (results.folder / "a.json").exists()
    results.keep(_entry(photo, status="failed", files=()), {})
    assert [path.name for path in results.folder.iterdir()] == [".segdemo"]


def test_a_file_that_fails_on_the_way_is_not_there(results: Results) -> None:
    results.write("a.png", b"before")

    def fails() -> None:
        with results.writing("a.png") as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (results.folder / "a.png").read_bytes() == b"before"
    assert not list((results.folder / ".segdemo" / "parts").iterdir())


def test_a_damaged_entry_is_none(results: Results, photo: Path) -> None:
    results.keep(_entry(photo), {"a.png": b"map"})
    (results.folder / ".segdemo" / "photos" / "a.json").write_text('{"name": ')
    assert results.entry("a") is None
    assert list(results.entries()) == []


def test_parts_of_the_dead_go_and_those_of_the_living_stay(results: Results) -> None:
    parts = results.folder / ".segdemo" / "parts"
    own = results._part()
    own.write_bytes(b"being written")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = own.with_name(own.name.replace(f".{os.getpid()}.", f".{ended.pid}."))
    dead.write_bytes(b"left")
    far = parts / "another-host.1.0"
    far.write_bytes(b"perhaps being written")
    old = parts / "another-host.1.1"
    old.write_bytes(b"left long ago")
    os.utime(old, (0, 0))
    results.prepare()
    assert sorted(path.name for path in parts.iterdir()) == sorted([own.name, far.name])
