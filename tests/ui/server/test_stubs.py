"""Gradio is imported without writing type stubs, and is the same otherwise."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from segdemo.ui.server.stubs import WRITES, _Watch, import_without_stubs

IMPORT = """
from pathlib import Path

from segdemo.ui.server.stubs import import_without_stubs

import_without_stubs()
read = Path.read_text
Path.read_text = lambda self, *rest, **more: print("read", self) if self.suffix == ".pyi" else read(self, *rest, **more)
import gradio

print(gradio.HTML(value="a").value, gradio.HTML.EVENTS[0], hasattr(gradio.Blocks, "load"))
"""


def test_the_rest_of_the_modules_are_found_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if finder is not _Watch])
    before = len(sys.meta_path)
    import_without_stubs()
    import_without_stubs()
    assert len(sys.meta_path) == before + 1
    assert find_spec("colorsys") is not None
    assert sys.meta_path[0].find_spec("colorsys", None) is None


def test_what_writes_is_where_it_is_looked_for() -> None:
    module = sys.modules.get(WRITES) or __import__(WRITES, fromlist=["create_or_modify_pyi"])
    assert callable(module.create_or_modify_pyi)


@pytest.mark.slow
def test_no_stub_is_read_and_components_work() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith("a ")
    assert done.stdout.splitlines()[-1].endswith(" True")
    assert "read" not in done.stdout
