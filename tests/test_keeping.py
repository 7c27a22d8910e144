"""What is kept appears whole, is made by one process at a time, and does not outlive who makes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segdemo.keeping import alone, being_made, made, sweep
from segdemo.locks import FileLock

HOLD = "import sys, time; from pathlib import Path; from segdemo.keeping import alone, made\n"
HOLD += "with alone(Path(sys.argv[1])), made(Path(sys.argv[1])) as folder:\n"
HOLD += "    (folder / 'part').write_text('x'); print('ready', flush=True); time.sleep(60)"


def test_it_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "thing"
    with alone(target), made(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
        assert being_made(target)
    assert (target / "a").read_text() == "1"
    assert not being_made(target)
    with alone(target), made(target) as folder:
        (folder / "b").write_text("2")
    assert [path.name for path in target.iterdir()] == ["b"]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    target.mkdir()
    with pytest.raises(ValueError, match="broken"), alone(target), made(target):
        raise ValueError("broken")
    assert target.is_dir()
    assert not list(tmp_path.glob(".making-*"))


def test_one_process_at_a_time_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(target)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        assert being_made(target)
        sweep(tmp_path)
        assert len(list(tmp_path.glob(".making-thing-*"))) == 1
        other.kill()
    with alone(target):
        assert not list(tmp_path.glob(".making-*"))
    assert not target.exists()


def test_leftovers_of_others_are_swept(tmp_path: Path) -> None:
    dead, unknown, old = (tmp_path / name for name in (".making-dead-1", ".making-x", ".making-y"))
    for folder in (dead, unknown, old):
        folder.mkdir()
    os.utime(old, (time.time() - 100_000,) * 2)
    sweep(tmp_path)
    assert [folder.exists() for folder in (dead, unknown, old)] == [False, True, False]


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take(wait=False)
    assert not second.take(wait=False)
    first.release()
    assert second.take(wait=False)
    second.release()
