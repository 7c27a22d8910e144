"""Memory is given out in order, to a bounded number that waits, and always comes back."""

import threading

import pytest

from segdemo.errors import SegdemoError
from segdemo.ui.server.budget import Budget

OPTIONS = {"limit": 2, "waiting": lambda ahead: None, "seconds": 30.0}


def test_what_is_held_comes_back() -> None:
    budget = Budget(10)
    with budget.hold(6, **OPTIONS):
        assert budget.held == 6
        assert not budget.take(5)
    assert budget.held == 0


def test_more_than_there_is_gets_all_of_it() -> None:
    budget = Budget(10)
    with budget.hold(1000, **OPTIONS):
        assert budget.held == 10


def test_a_large_one_is_not_overtaken() -> None:
    budget, order, first_waits = Budget(10), [], threading.Event()

    def work(name: str, nbytes: int, waits: threading.Event) -> None:
        with budget.hold(nbytes, limit=5, waiting=lambda ahead: waits.set(), seconds=30):
            order.append(name)

    with budget.hold(6, **OPTIONS):
        large = threading.Thread(target=work, args=("large", 8, first_waits))
        large.start()
        assert first_waits.wait(10)
        second_waits = threading.Event()
        small = threading.Thread(target=work, args=("small", 3, second_waits))
        small.start()
        assert second_waits.wait(10)
        assert order == []
    large.join(10)
    small.join(10)
    assert order == ["large", "small"]
    assert budget.held == 0


def test_who_gives_up_leaves_the_line() -> None:
    budget = Budget(10)

    class GiveUpError(Exception):
        pass

    def leave(ahead: int) -> None:
        raise GiveUpError

    with budget.hold(10, **OPTIONS):
        with pytest.raises(GiveUpError), budget.hold(1, limit=2, waiting=leave, seconds=30):
            pytest.fail("there was none")
        with pytest.raises(SegdemoError, match="busy"), budget.hold(1, limit=0, waiting=leave, seconds=30):
            pytest.fail("nobody may wait")
        with pytest.raises(SegdemoError, match="busy"), budget.hold(1, limit=1, waiting=lambda _: None, seconds=0):
            pytest.fail("time was up")
    with budget.hold(10, **OPTIONS):
        assert budget.held == 10
