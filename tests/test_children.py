"""Processes that were started end with the one that started them, even if that is killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

from segdemo.children import _PARENT, end_children, start_child

CHILD = "from segdemo.children import end_with_parent; import time; end_with_parent(); print('up', flush=True); "
CHILD += "time.sleep(300)"
PARENT = "import subprocess, sys, time; from segdemo.children import start_child\n"
PARENT += "child = start_child([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE)\n"
PARENT += "child.stdout.readline(); print(child.pid, flush=True); time.sleep(300)"


def _ended(pid: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # Where nobody takes the exit code, as in some containers, it stays as a zombie.
        status = Path(f"/proc/{pid}/status")
        if status.exists() and "\nState:\tZ" in status.read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert _ended(pid)


def test_a_child_ends_whose_parent_was_gone_before_it_looked() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    environment = {**os.environ, _PARENT: str(gone.pid)}
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.DEVNULL, env=environment) as child:
        assert child.wait(60) == 1


def test_children_are_ended() -> None:
    child = start_child([sys.executable, "-c", "import time; time.sleep(300)"])
    end_children()
    assert child.returncode is not None
