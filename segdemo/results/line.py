"""A line that visitors stand in for what there is little of: in turn, however much each of them wants."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from segdemo.errors import SegdemoError

LOOK_SECONDS = 0.25
"""How often somebody in the line looks whether to go on waiting."""


def crowded(waiting: int) -> str:
    """What whoever is turned away is told."""
    return f"{waiting} others are waiting already: please try again in a minute."


@dataclass(eq=False)
class Place:
    """Somebody in the line, or past it."""

    visitor: str
    client: str
    large: bool
    inside: bool = False
    turned_away: bool = False


class Line:
    """Lets a few in at a time. Visitors take turns; what one visitor wants is done in the order of asking.

    Anybody can call themselves many visitors, so clients (where it is known from what address somebody asks) take turns
    first, and their visitors among themselves. At most ``places`` are inside at once, of them at most ``large_places``
    that said they are large. At most ``limit`` wait: then of the client with the most in the line, the visitor with the
    most, the last is turned away.
    """

    def __init__(self, *, limit: int, places: int = 1, large_places: int | None = None) -> None:
        self.limit = limit
        self.places = places
        self.large_places = places if large_places is None else large_places
        self._inside: list[Place] = []
        self._waiting: OrderedDict[str, OrderedDict[str, deque[Place]]] = OrderedDict()
        """By client and visitor, each in the order of their turns."""
        self._changed = threading.Condition()

    @property
    def idle(self) -> bool:
        """Whether nobody is inside and nobody waits."""
        with self._changed:
            return not self._inside and not self._waiting

    def others_wait(self, visitor: str, client: str = "") -> bool:
        """Whether somebody else than ``visitor`` is in the line."""
        # Read without the lock, since it is asked in every loop: the answer may be a moment old.
        own = self._waiting.get(client or visitor)
        if len(self._waiting) > (own is not None):
            return True
        count = len(own) if own is not None else 0
        return count > 1 or (count == 1 and own is not None and visitor not in own)

    def refuses(self, client: str) -> int:
        """How many wait where one more of ``client`` would be turned away at once, 0 where none would.

        Of clients with as many in the line the one that came last is.
        """
        with self._changed:
            counts = {name: _count(lines) for name, lines in self._waiting.items()}
        waiting, own = sum(counts.values()), counts.pop(client, 0)
        return waiting if waiting >= self.limit and own + 1 >= max(counts.values(), default=0) else 0

    def enter(
        self,
        visitor: str,
        *,
        client: str = "",
        large: bool = False,
        first: bool = False,
        waiting: Callable[[int], None] = lambda ahead: None,
    ) -> Place:
        """Wait until it is one's turn; give the place back with ``leave``.

        Without a ``client`` the visitor is one of their own. ``first`` goes before the visitor's own others.
        ``waiting(ahead)`` is told now and then how many come before, and may raise to give up. Raises ``SegdemoError``
        for whoever is turned away.
        """
        place = Place(visitor, client or visitor, large)
        with self._changed:
            own = self._waiting.setdefault(place.client, OrderedDict()).setdefault(visitor, deque())
            own.appendleft(place) if first else own.append(place)
            self._turn_away()
            self._let_in()
        try:
            while True:
                with self._changed:
                    if place.inside:
                        return place
                    if place.turned_away:
                        raise SegdemoError(crowded(self.limit))
                    ahead = self._ahead(place)
                waiting(ahead)
                with self._changed:
                    if not place.inside and not place.turned_away and self._ahead(place) == ahead:
                        self._changed.wait(timeout=LOOK_SECONDS)
        except BaseException:
            self.leave(place)
            raise

    def leave(self, place: Place) -> None:
        """Give a place back, in the line or inside."""
        with self._changed:
            if place.inside:
                self._inside.remove(place)
                place.inside = False
            else:
                self._give_up(place)
            self._let_in()

    def _let_in(self) -> None:
        """Let in whose turn it is, as long as there is room; a visitor who was let in goes to the end."""
        entered = False
        while len(self._inside) < self.places and (place := self._next()) is not None:
            self._give_up(place)
            place.inside = True
            self._inside.append(place)
            if place.client in self._waiting:
                self._waiting.move_to_end(place.client)
                if place.visitor in self._waiting[place.client]:
                    self._waiting[place.client].move_to_end(place.visitor)
            entered = True
        if entered or self._waiting:
            self._changed.notify_all()

    def _next(self) -> Place | None:
        room_for_large = sum(place.large for place in self._inside) < self.large_places
        heads = (own[0] for visitors in self._waiting.values() for own in visitors.values())
        return next((place for place in heads if room_for_large or not place.large), None)

    def _ahead(self, place: Place) -> int:
        """How many are inside or come before, if nobody else joins."""
        visitors = self._waiting.get(place.client)
        own = visitors.get(place.visitor) if visitors is not None else None
        if visitors is None or own is None or place not in own:
            return 0
        rank = _rank(own.index(place), place.visitor, ((name, len(line)) for name, line in visitors.items()))
        rank = _rank(rank, place.client, ((name, _count(lines)) for name, lines in self._waiting.items()))
        return len(self._inside) + rank

    def _turn_away(self) -> None:
        """Keep the line within its limit: of those who want most, the last one goes."""
        while sum(map(_count, self._waiting.values())) > self.limit:
            greedy = max(reversed(self._waiting.values()), key=_count)
            last = max(reversed(greedy.values()), key=len)[-1]
            last.turned_away = True
            self._give_up(last)
            self._changed.notify_all()

    def _give_up(self, place: Place) -> None:
        visitors = self._waiting.get(place.client)
        own = visitors.get(place.visitor) if visitors is not None else None
        if visitors is not None and own is not None and place in own:
            own.remove(place)
            if not own:
                del visitors[place.visitor]
            if not visitors:
                del self._waiting[place.client]


def _count(visitors: OrderedDict[str, deque[Place]]) -> int:
    return sum(map(len, visitors.values()))


def _rank(own: int, name: str, lines: Iterable[tuple[str, int]]) -> int:
    """How many come before somebody with ``own`` of the line called ``name`` before them, where lines take turns.

    ``lines`` are their names and lengths, in the order of their turns.
    """
    before, passed = own, False
    for other, count in lines:
        if other == name:
            passed = True
        else:
            before += min(count, own if passed else own + 1)
    return before
