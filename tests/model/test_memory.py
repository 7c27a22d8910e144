import ctypes
import subprocess
import sys

import pytest

from segdemo.model.memory import keep_freed_memory

FAULTS = """
import resource
import sys

import numpy as np

if sys.argv[1] == "kept":
    import segdemo.model

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


@pytest.mark.skipif(not keep_freed_memory(), reason="not on glibc")
def test_memory_is_asked_of_the_system_once() -> None:
    assert 10 * faults("kept") < faults("as it comes")


def test_a_system_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
