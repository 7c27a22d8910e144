"""The ZeroGPU decorator: nothing but on a ZeroGPU Space, where it is ``spaces.GPU``."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from segdemo.ui import zerogpu


@pytest.fixture(autouse=True)
def _restore(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    importlib.reload(zerogpu)


def _fake(marked: list[object]) -> SimpleNamespace:
    def mark(function: Callable[..., object]) -> Callable[..., object]:
        marked.append(function)
        return lambda *args: ("gpu", function(*args))

    return SimpleNamespace(GPU=mark)


@pytest.mark.parametrize(("installed", "flag"), [(False, "true"), (True, None), (True, "false")])
def test_elsewhere_the_function_is_untouched(
    monkeypatch: pytest.MonkeyPatch, installed: bool, flag: str | None
) -> None:
    marked: list[object] = []
    monkeypatch.setitem(sys.modules, "spaces", _fake(marked) if installed else None)
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if flag is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", flag)
    module = importlib.reload(zerogpu)
    assert module.gpu(len) is len
    assert not module.ON_ZEROGPU
    assert marked == []


def test_on_zerogpu_the_function_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[object] = []
    monkeypatch.setitem(sys.modules, "spaces", _fake(marked))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    module = importlib.reload(zerogpu)
    assert module.ON_ZEROGPU
    assert module.gpu(len)([1, 2]) == ("gpu", 2)
    assert marked == [len]
