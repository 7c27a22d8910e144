"""The ZeroGPU decorator: nothing without the ``spaces`` package, ``spaces.GPU`` with it."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from segdemo.ui import zerogpu


@pytest.fixture(autouse=True)
def _restore(monkeypatch: pytest.MonkeyPatch):
    yield
    monkeypatch.undo()
    importlib.reload(zerogpu)


def test_without_the_package_the_function_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spaces", None)
    module = importlib.reload(zerogpu)
    assert module.gpu(len) is len


def test_with_the_package_the_function_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = []
    fake = SimpleNamespace(GPU=lambda function: marked.append(function) or (lambda *args: ("gpu", function(*args))))
    monkeypatch.setitem(sys.modules, "spaces", fake)
    module = importlib.reload(zerogpu)
    assert module.gpu(len)([1, 2]) == ("gpu", 2)
    assert marked == [len]
