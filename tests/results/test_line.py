"""The line: visitors take turns, few are inside at once, and whoever wants most is turned away first."""

import threading
from typing import Any

import pytest

from segdemo.errors import SegdemoError
from segdemo.results.line import Line


class Visitors:
    """Threads that stand in a line, let in one by one by the test."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.order: list[str] = []
        self.refused: list[str] = []
        self._threads: list[threading.Thread] = []

    def join_line(self, visitor: str, name: str, **options: Any) -> None:
        """Let a visitor stand in the line; returns once they do."""
        standing = threading.Event()

        def stand() -> None:
            try:
                place = self.line.enter(visitor, waiting=lambda ahead: standing.set(), **options)
            except SegdemoError:
                self.refused.append(name)
                standing.set()
                return
            self.order.append(name)
            standing.set()
            self.line.leave(place)

        self._threads.append(threading.Thread(target=stand))
        self._threads[-1].start()
        assert standing.wait(5)

    def finish(self) -> list[str]:
        """Wait for all, and return the order in which they were let in."""
        for thread in self._threads:
            thread.join(5)
        return self.order


def test_visitors_take_turns_however_much_each_wants() -> None:
    line = Line(limit=20)
    visitors = Visitors(line)
    place = line.enter("z")
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        visitors.join_line(name[0], name)
    line.leave(place)
    assert visitors.finish() == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert line.idle


def test_many_visitors_of_one_client_take_turns_as_one_with_others() -> None:
    line = Line(limit=20)
    visitors = Visitors(line)
    place = line.enter("z")
    for name in ("a1", "b1", "a2", "c1"):
        visitors.join_line(name[0], name, client="crowd")
    visitors.join_line("d", "d1", client="alone")
    visitors.join_line("d", "d2", client="alone")
    told: list[int] = []

    def look(ahead: int) -> None:
        told.append(ahead)
        raise KeyboardInterrupt

    for visitor, client in (("d", "alone"), ("e", "crowd")):
        with pytest.raises(KeyboardInterrupt):
            line.enter(visitor, client=client, waiting=look)
    # One is inside. Before d's third come a1, d1, b1, d2, c1; before e's first a1, d1, b1, d2, c1.
    assert told == [6, 6]
    assert line.others_wait("a", "crowd")
    line.leave(place)
    assert visitors.finish() == ["a1", "d1", "b1", "d2", "c1", "a2"]


def test_many_visitors_of_one_client_do_not_fill_the_line() -> None:
    line = Line(limit=3)
    visitors = Visitors(line)
    place = line.enter("z")
    for name in ("a", "b", "c"):
        visitors.join_line(name, name, client="crowd")
    visitors.join_line("d", "d", client="alone")
    line.leave(place)
    assert visitors.finish() == ["a", "d", "b"]
    assert visitors.refused == ["c"]


def test_who_comes_back_goes_before_their_own_others_only() -> None:
    line = Line(limit=20)
    visitors = Visitors(line)
    place = line.enter("z")
    visitors.join_line("a", "a1")
    visitors.join_line("b", "b1")
    visitors.join_line("a", "a again", first=True)
    line.leave(place)
    assert visitors.finish() == ["a again", "b1", "a1"]


def test_everybody_learns_how_many_come_before() -> None:
    line = Line(limit=20)
    place = line.enter("z")
    told: list[int] = []

    def look(ahead: int) -> None:
        told.append(ahead)
        raise KeyboardInterrupt

    visitors = Visitors(line)
    visitors.join_line("a", "a1")
    visitors.join_line("a", "a2")
    visitors.join_line("b", "b1")
    for visitor in ("a", "b", "c"):
        with pytest.raises(KeyboardInterrupt):
            line.enter(visitor, waiting=look)
    # One is inside. Before a's third come a1, b1, a2; before b's second a1, b1, a2; before c's first a1, b1.
    assert told == [4, 4, 3]
    line.leave(place)
    visitors.finish()


def test_whoever_gives_up_leaves_the_line() -> None:
    line = Line(limit=5)

    def give_up(ahead: int) -> None:
        raise KeyboardInterrupt

    place = line.enter("a")
    with pytest.raises(KeyboardInterrupt):
        line.enter("b", waiting=give_up)
    line.leave(place)
    assert line.idle
    line.leave(line.enter("c", waiting=give_up))


def test_of_a_full_line_the_last_of_whoever_wants_most_goes() -> None:
    line = Line(limit=3)
    visitors = Visitors(line)
    place = line.enter("z")
    for name in ("a1", "a2", "a3"):
        visitors.join_line("a", name)
    visitors.join_line("b", "b1")
    line.leave(place)
    assert visitors.finish() == ["a1", "b1", "a2"]
    assert visitors.refused == ["a3"]


def test_few_large_ones_are_inside_and_small_ones_pass_by() -> None:
    line = Line(limit=9, places=3, large_places=1)
    large = line.enter("a", large=True)
    visitors = Visitors(line)
    visitors.join_line("b", "large", large=True)
    small = line.enter("c")
    assert visitors.order == []
    line.leave(large)
    assert visitors.finish() == ["large"]
    line.leave(small)


def test_others_wait_is_about_others() -> None:
    line = Line(limit=9)
    visitors = Visitors(line)
    place = line.enter("a")
    assert not line.others_wait("a")
    visitors.join_line("a", "a1")
    assert not line.others_wait("a")
    visitors.join_line("b", "b1")
    assert line.others_wait("a")
    assert line.others_wait("b")
    line.leave(place)
    visitors.finish()
    place = line.enter("a", client="x")
    visitors.join_line("b", "b1", client="x")
    assert line.others_wait("a", "x")
    assert not line.others_wait("b", "x")
    line.leave(place)
    visitors.finish()
