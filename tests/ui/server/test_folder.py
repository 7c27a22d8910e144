"""The server's folder is its own, is swept by age, and does not outlive it by more than one start."""

import os
import stat
import time
from itertools import count
from pathlib import Path

import pytest

from segdemo.errors import HostError
from segdemo.ui.server.folder import PARTIAL_SECONDS, Folder
from segdemo.ui.server.refusals import RefusedError
from segdemo.ui.server.uploads import Ledger, plain_name


def _old(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_nobody_else_may_look_in(folder: Folder) -> None:
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.path.parent.stat().st_mode) == 0o700


def test_what_killed_servers_left_is_gone_at_the_next_start(tmp_path: Path) -> None:
    alive, killed = Folder(tmp_path), Folder(tmp_path)
    (alive.path / "photo").write_bytes(b"1")
    (killed.path / "photo").write_bytes(b"2")
    assert killed._lock._file is not None
    os.close(killed._lock._file)  # as the system does when a process ends
    Folder(tmp_path)
    assert (alive.path / "photo").exists()
    assert not killed.path.exists()


def test_it_is_gone_at_the_end(folder: Folder) -> None:
    (folder.path / "a").mkdir()
    (folder.path / "a" / "photo").write_bytes(b"1")
    folder.remove()
    assert not folder.path.exists()


def test_old_files_partial_files_and_empty_folders_are_swept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["old/photo", "new/photo", "tmp-partial", "tmp-fresh"]
    for name in names:
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).write_bytes(b"1")
    (folder.path / "empty").mkdir()
    now = time.time()
    later = {"old/photo": 5000.0, "new/photo": 10.0, "tmp-partial": 5000.0, "tmp-fresh": 10.0}

    def files() -> list[tuple[Path, os.stat_result]]:
        found = []
        for name, age in later.items():
            if (folder.path / name).exists():
                values = list((folder.path / name).lstat())
                values[8:10] = [int(now - age)] * 2
                found.append((folder.path / name, os.stat_result(values)))
        return found

    monkeypatch.setattr(folder, "files", files)
    for name in ("old", "empty"):
        _old(folder.path / name, PARTIAL_SECONDS + 5)
    assert folder.sweep(older_than=1800) == 2
    left = sorted(str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file())
    assert left == ["in-use.lock", "new/photo", "tmp-fresh"]
    assert not (folder.path / "empty").exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="SEGDEMO_TEMP_DIR"):
        Folder(tmp_path / "file")


def test_somebody_elses_folder_is_not_used(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (tmp_path / f"segdemo-{os.getuid()}").symlink_to(target)
    with pytest.raises(HostError):
        Folder(tmp_path)


def test_a_full_disk_gets_a_sentence_and_leaves_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RefusedError, match="disk is full") as refused:
        Ledger(lambda: folder).keep("me", {"a.png": b"abc"})
    assert refused.value.status == 507
    assert [path.name for path in folder.path.iterdir()] == ["in-use.lock"]


def test_each_client_has_so_much_disk(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from segdemo.settings import settings
    from segdemo.ui.server import uploads

    small = settings().model_copy(update={"visitor_bytes": 300_000, "temp_bytes": 560_000})
    monkeypatch.setattr(uploads, "settings", lambda: small)
    ledger = Ledger(lambda: folder, clock=count(step=10).__next__)
    # Each file counts as 64 kB at least: 131 kB each time.
    send = {"a.png": bytes(60), "b.png": bytes(40)}
    first = ledger.keep("me", send)
    ledger.keep("me", send)
    with pytest.raises(RefusedError, match="files here already"):
        ledger.keep("me", send)
    for client in ("you", "her"):
        ledger.keep(client, send)
    with pytest.raises(RefusedError, match="disk is full"):
        ledger.keep("him", send)
    for path in first:
        path.unlink()
    ledger.keep("me", send)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\a\\b.png", "b.png"), ("a\x00<b>.png", "ab.png"), ("", "file"),
        ("...", "file"), ("x" * 300 + ".jpeg", "x" * 90 + ".jpeg"), (".hidden", "hidden"), ("日本.png", "日本.png"),
        ("日" * 200 + ".png", "日" * 30 + ".png"),
    ],
)  # fmt: skip
def test_names_are_made_plain(name: str, expected: str) -> None:
    assert plain_name(name) == expected
