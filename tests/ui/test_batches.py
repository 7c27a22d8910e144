"""Visitors' batches: what a ZIP may hold, how much one may send, and results as from the command line."""

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.progress import CancelledError
from segdemo.results.batch import make_plan
from segdemo.results.batch import run_batch as run_here
from segdemo.results.folder import Results
from segdemo.results.inputs import find_inputs
from segdemo.results.job import Host, Job
from segdemo.results.options import OutputOptions
from segdemo.results.work import Work
from segdemo.settings import settings
from segdemo.ui.batches.run import Wish, entries_since, pack, photo_of, run_batch
from segdemo.ui.batches.store import Batch, Batches
from segdemo.ui.batches.unpacking import base_name, pictures_in
from segdemo.ui.server.folder import Folder
from segdemo.ui.server.uploads import Ledger
from segdemo.ui.store import GoneError


def _zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _taken(path: Path, *, room: int = 10_000, most: int = 5) -> dict[str, bytes]:
    return dict(pictures_in(path, room=room, most=most))


def test_paths_in_a_zip_are_nothing_but_names(tmp_path: Path) -> None:
    files = {"../../a.jpg": b"1", "/etc/b.png": b"2", "x\\..\\c.webp": b"3", "notes.txt": b"4", ".hidden/d.jpg": b"5"}
    path = _zip(tmp_path / "a.zip", **files, **{"__MACOSX/._a.jpg": b"6"})
    assert _taken(path) == {"a.jpg": b"1", "b.png": b"2", "c.webp": b"3"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.jpg": b"1", "more.zip": b""}, "another archive"),
        ({"a.jpg": b"PK\x03\x04 and more"}, "another archive"),
        ({"a.jpg": b"\x1f\x8b and more"}, "another archive"),
        ({f"{number}.jpg": b"1" for number in range(6)}, "6 photos: at most 5"),
        ({f"{number}.txt": b"1" for number in range(101)}, "101 entries"),
        ({"a.txt": b"1"}, "no pictures"),
        ({"a.jpg": bytes(6_000), "b.jpg": bytes(6_000)}, "too large together"),
    ],
)
def test_what_a_zip_must_not_hold(tmp_path: Path, files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(SegdemoError, match=sentence):
        _taken(_zip(tmp_path / "a.zip", **files))


def test_what_a_zip_says_of_its_sizes_is_not_believed(tmp_path: Path) -> None:
    path = _zip(tmp_path / "bomb.zip", **{"a.jpg": bytes(5_000_000)})
    content = path.read_bytes()
    assert len(content) < 10_000
    # Both headers claim 100 bytes, of a member that unpacks to five million.
    lie = content.replace((5_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "lie.zip").write_bytes(lie)
    with pytest.raises(SegdemoError, match="too large together"):
        _taken(path)
    with pytest.raises(SegdemoError, match=r"cannot be read|too large together"):
        _taken(tmp_path / "lie.zip")


@pytest.mark.parametrize("content", [b"PK\x03\x04 nothing", b"", b"PK\x05\x06"])
def test_a_zip_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SegdemoError):
        _taken(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.jpg", "a.jpg"),
        ("x/y\\z.PNG", "z.PNG"),
        ("..", "photo"),
        ("\x00\u202ea.jpg", "a.jpg"),
        ("é" * 99 + ".jpg", "é" * 60 + ".jpg"),
    ],
)
def test_names(name: str, plain: str) -> None:
    assert base_name(name) == plain


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Batches]:
    folder = Folder(tmp_path)
    ledger = Ledger(lambda: folder)
    monkeypatch.setattr("segdemo.ui.batches.store.private_folder", lambda: folder)
    for module in ("store", "run"):
        monkeypatch.setattr(f"segdemo.ui.batches.{module}.ledger", lambda: ledger)
    yield Batches()
    folder.remove()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small = settings().model_copy(update={"batch_photos": 3, "batch_bytes": 1000, "client_batches": 2})
    monkeypatch.setattr("segdemo.ui.batches.store.settings", lambda: small)


@pytest.mark.usefixtures("small")
def test_a_batch_has_bounds(batches: Batches) -> None:
    batch = batches.get(batches.open("a", "client"))
    batch.add("1.jpg", bytes(400), first=True, last=True)
    with pytest.raises(SegdemoError, match="at most 0 MB"):
        batch.add("2.jpg", bytes(601), first=True, last=True)
    batch.add("2.jpg", bytes(100), first=True, last=True)
    batch.add("3.jpg", b"", first=True, last=True)
    with pytest.raises(SegdemoError, match="at most 3 photos"):
        batch.add("4.jpg", b"", first=True, last=True)
    with pytest.raises(SegdemoError, match="larger than"):
        batch.add("more.zip", bytes(1001), first=True, last=False)
    assert not (batch.folder / "sent.zip").exists()
    batches.open("b", "client")
    with pytest.raises(SegdemoError, match="too many batches"):
        batches.open("c", "client")
    batches.open("a", "client")  # the visitor's first one makes room
    assert not batch.folder.exists()
    batches.open("d", "another client")


def test_a_zip_comes_in_parts_and_all_or_nothing(batches: Batches, tmp_path: Path) -> None:
    batch = batches.get(batches.open("a", "client"))
    good = _zip(tmp_path / "good.zip", **{"x/a.jpg": b"1" * 100, "y/a.jpg": b"2" * 100}).read_bytes()
    batch.add("good.ZIP", good[:50], first=True, last=False)
    assert batch.files == []
    batch.add("good.ZIP", good[50:], first=False, last=True)
    assert [name for name, _ in batch.files] == ["a.jpg", "a.jpg"]
    bad = _zip(tmp_path / "bad.zip", **{"a.jpg": b"3", "b.jpg": b"PK\x03\x04"}).read_bytes()
    with pytest.raises(SegdemoError, match="another archive"):
        batch.add("bad.zip", bad, first=True, last=True)
    with pytest.raises(SegdemoError, match="not a ZIP"):
        batch.add("text.zip", b"text", first=True, last=True)
    assert len(batch.files) == 2
    assert len(list((batch.folder / "photos").iterdir())) == 2


def test_tokens_are_the_only_key(batches: Batches) -> None:
    token = batches.open("a", "client")
    for other in ("", None, token[:-1], 1):
        with pytest.raises(GoneError):
            batches.get(other)
    folder = batches.get(token).folder
    assert batches.close(token)
    assert not folder.exists()
    assert not batches.close(token)


def _job(host: Host, visitor: str = "a", **options: Any) -> Job:
    given: dict[str, Any] = {"client": visitor, "seconds": 60, "cancelled": lambda: False, **options}
    return Job(host, visitor=visitor, **given)


@pytest.fixture
def photos(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(4):
        Image.fromarray(np.roll(photo, 30 * number, axis=1)[: 120 - 8 * number]).save(
            tmp_path / "photos" / f"p{number}.jpg"
        )
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    return tmp_path / "photos"


@pytest.fixture
def wish(tiny_ade_checkpoint: Path) -> Wish:
    entry = checkpoints.find(tiny_ade_checkpoint)
    return Wish(entry, Work(entry.id, options=OutputOptions(task="panoptic", score_threshold=0.05)))


def _filled(batches: Batches, photos: Path, visitor: str = "a") -> Batch:
    batch = batches.get(batches.open(visitor, visitor))
    for path in sorted(photos.iterdir(), reverse=True):
        batch.add(path.name, path.read_bytes(), first=True, last=True)
    return batch


def test_results_are_those_of_the_command_line(batches: Batches, photos: Path, tmp_path: Path, wish: Wish) -> None:
    batch, told = _filled(batches, photos), list[tuple[str, float | None]]()
    found = run_batch(batch, wish, _job(Host(waiting=9), report=lambda text, share: told.append((text, share))))
    assert found == {"done": 4, "failed": 1}
    assert told[-1][1] == 1
    assert told[-1][0].startswith("5 of 5 photos, ")

    here = Results(tmp_path / "here")
    here.prepare()
    plan = make_plan(find_inputs([photos], out=here.folder), here, wish.work.fingerprint())
    list(run_here(plan.todo, wish.work, wish.work.load(), here))
    expected = {path.name: path.read_bytes() for path in here.folder.glob("*.*") if path.is_file()}
    packed = pack(batch, _job(Host(waiting=9)))
    with zipfile.ZipFile(packed["path"]) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    tables = {"results.csv", "failures.csv", "manifest.json"}
    assert {name: content for name, content in inside.items() if name not in tables} == expected
    assert set(inside) >= tables
    assert b"broken,The picture is damaged" in inside["failures.csv"]
    assert b'"file": "p0.jpg"' in inside["manifest.json"]
    assert str(batch.folder).encode() not in inside["manifest.json"]

    first = entries_since(batch, 0)
    assert (first["seen"], first["total"], len(first["entries"])) == (5, 5, 5)
    by_name = {entry["name"]: entry for entry in first["entries"]}
    assert by_name["broken"]["reason"]
    assert by_name["p1"]["thumbnail"].startswith("data:image/jpeg;base64,")
    assert entries_since(batch, 5)["entries"] == []
    assert photo_of(batch, "p1")["name"] == "p1.jpg"
    with pytest.raises(SegdemoError):
        photo_of(batch, "../p1")


def test_a_cancelled_batch_goes_on_where_it_was(batches: Batches, photos: Path, wish: Wish) -> None:
    batch, host = _filled(batches, photos), Host(waiting=9)
    wanted = True

    def told(text: str, share: float | None) -> None:
        nonlocal wanted
        if share is not None:
            wanted = False

    with pytest.raises(CancelledError):
        run_batch(batch, wish, _job(host, report=told, cancelled=lambda: not wanted))
    done = [entry.name for entry in batch.entries.values() if entry.done]
    assert not batch.running
    assert host.idle
    assert len(batch.entries) < 5
    stamps = {name: (batch.results.folder / f"{name}.overlay.jpg").stat().st_mtime_ns for name in done}
    assert run_batch(batch, wish, _job(host))["done"] == 4
    assert stamps == {name: (batch.results.folder / f"{name}.overlay.jpg").stat().st_mtime_ns for name in done}


def test_one_photo_goes_between_those_of_a_batch(batches: Batches, photos: Path, wish: Wish) -> None:
    """While a batch runs, somebody else's single photo waits for one turn of it, not for its end."""
    batch, host, order = _filled(batches, photos), Host(waiting=9), list[str]()
    wish.work.load()
    standing = threading.Event()

    def single() -> None:
        job = _job(host, "b", report=lambda text, share: standing.set())
        with job.turn():
            order.append("single")

    other = threading.Thread(target=single)

    def told(text: str, share: float | None) -> None:
        if share is None:
            return
        order.append("photo")
        if len(order) == 1:
            other.start()
            deadline = time.monotonic() + 5
            while not order.count("single") and not standing.is_set() and time.monotonic() < deadline:
                time.sleep(0.005)

    run_batch(batch, wish, _job(host, report=told))
    other.join(5)
    assert "single" in order
    assert order[-1] == "photo"


def test_a_batch_runs_once_and_not_empty(batches: Batches, photos: Path, wish: Wish) -> None:
    batch = batches.get(batches.open("a", "a"))
    with pytest.raises(SegdemoError, match="no photos yet"):
        run_batch(batch, wish, _job(Host(waiting=9)))
    with pytest.raises(SegdemoError, match="Nothing is done yet"):
        pack(batch, _job(Host(waiting=9)))
    batch.add("a.jpg", io.BytesIO(b"?").getvalue(), first=True, last=True)
    batch.running = True
    with pytest.raises(SegdemoError, match="running already"):
        run_batch(batch, wish, _job(Host(waiting=9)))
    with pytest.raises(SegdemoError, match="is running"):
        batch.add("b.jpg", b"?", first=True, last=True)
    batch.running = False
