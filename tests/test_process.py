import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segdemo.process import import_beside, keep_freed_memory

FAULTS = """
import resource
import sys

import numpy as np

import segdemo.model.engines

if sys.argv[1] == "kept":
    from segdemo.process import import_beside, keep_freed_memory

    keep_freed_memory()

def taken():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        np.ones(100_000_000, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

taken()
print(taken())
"""


def faults(how: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", FAULTS, how], text=True))


@pytest.mark.slow
@pytest.mark.skipif(not keep_freed_memory(), reason="not on glibc")
def test_memory_is_asked_of_the_system_once() -> None:
    assert 10 * faults("kept") < faults("as it comes")


COLLECTIONS = """
import gc

from segdemo.process import collect_again, put_off_collecting

collect_again()
print(gc.isenabled(), gc.get_freeze_count() > 0)
put_off_collecting()
print(gc.isenabled(), gc.get_freeze_count() > 0)
collect_again()
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""


def test_collections_are_put_off_and_then_leave_out_what_there_was() -> None:
    said = subprocess.check_output([sys.executable, "-c", COLLECTIONS], text=True).split("\n")
    assert said[:3] == ["True False", "False False", "True True"]


@pytest.mark.parametrize("start", ["command line", "page"])
def test_programs_prepare_their_process_as_they_start(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    if start == "page":
        from segdemo.ui.app import create_app

        monkeypatch.setattr("segdemo.ui.app.prepare_process", lambda: asked.append(start))
        create_app(warm_up=False)
    else:
        from segdemo.cli import main

        monkeypatch.setattr("segdemo.cli.prepare_process", lambda: asked.append(start))
        monkeypatch.setattr(sys, "argv", ["segdemo", "--version"])
        with pytest.raises(SystemExit):
            main()
    assert asked == [start]


POLICY = """
import os
import sys

{first}
from segdemo.process import prepare_process

prepare_process()
print(os.environ.get("OMP_WAIT_POLICY"), "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("given", "first", "expected"),
    [
        ({}, "", "passive False"),
        ({"OMP_WAIT_POLICY": "active"}, "", "active False"),
        ({"GOMP_SPINCOUNT": "1000"}, "", "None False"),
        pytest.param({}, "import torch", "None True", marks=pytest.mark.slow),
    ],
    ids=["nobody said", "the host said", "the host said so much", "too late"],
)
def test_threads_sleep_unless_the_host_says_otherwise(given: dict[str, str], first: str, expected: str) -> None:
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    code = POLICY.format(first=first)
    said = subprocess.check_output([sys.executable, "-c", code], env={**free, **given}, text=True)
    assert said.strip() == expected


@pytest.mark.slow
def test_importing_asks_nothing() -> None:
    code = """
import os
before = dict(os.environ)
import sys
import segdemo, segdemo.model.engines, segdemo.model.openvino, segdemo.segmentation, segdemo.cli, segdemo.ui.app
changed = [name for name in os.environ if os.environ[name] != before.get(name) and "OMP" in name]
print(changed, [name for name, module in sys.modules.items() if module is None and "telemetry" in name])
"""
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    assert subprocess.check_output([sys.executable, "-c", code], env=free, text=True).strip() == "[] []"


def test_a_system_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
@pytest.mark.parametrize(
    ("largest", "kept", "asked"),
    [
        (1 << 31, True, [(-3, 1 << 30), (-1, 1 << 30), (-8, 1)]),
        (1 << 25, True, [(-3, 1 << 30), (-3, 1 << 25), (-1, 1 << 30), (-8, 1)]),
        (0, False, [(-3, 1 << 30), (-3, 1 << 25)]),
    ],
)
def test_what_older_versions_are_asked(
    monkeypatch: pytest.MonkeyPatch, largest: int, kept: bool, asked: list[tuple[int, int]]
) -> None:
    calls = []

    class Library:
        def mallopt(self, name: int, value: int) -> int:
            calls.append((name, value))
            return int(name != -3 or value <= largest)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    assert keep_freed_memory() is kept
    assert calls == asked


def test_a_module_is_imported_beside_what_else_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_this.py").write_text("import threading\n\nBY = threading.current_thread()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    thread = import_beside("beside_this")
    thread.join(30)
    assert sys.modules.pop("beside_this").BY is thread
    # What cannot be imported is said to whoever asks for it.
    missing = import_beside("there_is_no_such_module")
    missing.join(30)
    assert not missing.is_alive()
