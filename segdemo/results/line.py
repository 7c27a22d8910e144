"""A line that visitors stand in for what there is little of: in turn, however much each of them wants."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from segdemo.errors import SegdemoError

LOOK_SECONDS = 0.25
"""How often somebody in the line looks whether to go on waiting."""


@dataclass(eq=False)
class Place:
    """Somebody in the line, or past it."""

    visitor: str
    large: bool
    inside: bool = False
    turned_away: bool = False


class Line:
    """Lets a few in at a time. Visitors take turns; what one visitor wants is done in the order of asking.

    At most ``places`` are inside at once, of them at most ``large_places`` that said they are large. At most ``limit``
    wait: then whoever is last of the visitor with the most in the line is turned away.
    """

    def __init__(self, *, limit: int, places: int = 1, large_places: int | None = None) -> None:
        self.limit = limit
        self.places = places
        self.large_places = places if large_places is None else large_places
        self._inside: list[Place] = []
        self._waiting: OrderedDict[str, deque[Place]] = OrderedDict()
        self._changed = threading.Condition()

    @property
    def idle(self) -> bool:
        """Whether nobody is inside and nobody waits."""
        with self._changed:
            return not self._inside and not self._waiting

    def others_wait(self, visitor: str) -> bool:
        """Whether somebody else than ``visitor`` is in the line."""
        # Read without the lock, since it is asked in every loop: the answer may be a moment old.
        count = len(self._waiting)
        return count > 1 or (count == 1 and visitor not in self._waiting)

    def enter(
        self,
        visitor: str,
        *,
        large: bool = False,
        first: bool = False,
        waiting: Callable[[int], None] = lambda ahead: None,
    ) -> Place:
        """Wait until it is one's turn; give the place back with ``leave``.

        ``first`` goes before the visitor's own others. ``waiting(ahead)`` is told now and then how many come before,
        and may raise to give up. Raises ``SegdemoError`` for whoever is turned away.
        """
        place = Place(visitor, large)
        with self._changed:
            own = self._waiting.setdefault(visitor, deque())
            own.appendleft(place) if first else own.append(place)
            self._turn_away()
            self._let_in()
        try:
            while True:
                with self._changed:
                    if place.inside:
                        return place
                    if place.turned_away:
                        raise SegdemoError(f"{self.limit} others are waiting already: please try again in a minute.")
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
            if place.visitor in self._waiting:
                self._waiting.move_to_end(place.visitor)
            entered = True
        if entered or self._waiting:
            self._changed.notify_all()

    def _next(self) -> Place | None:
        room_for_large = sum(place.large for place in self._inside) < self.large_places
        heads = (own[0] for own in self._waiting.values())
        return next((place for place in heads if room_for_large or not place.large), None)

    def _ahead(self, place: Place) -> int:
        """How many are inside or come before, if nobody else joins."""
        visitors = list(self._waiting)
        if place.visitor not in visitors or place not in self._waiting[place.visitor]:
            return 0
        rank = self._waiting[place.visitor].index(place)
        position = visitors.index(place.visitor)
        before = sum(
            min(len(own), rank + (order < position))
            for order, (visitor, own) in enumerate(self._waiting.items())
            if visitor != place.visitor
        )
        return len(self._inside) + rank + before

    def _turn_away(self) -> None:
        """Keep the line within its limit: of those who want most, the last one goes."""
        while sum(len(own) for own in self._waiting.values()) > self.limit:
            longest = max(len(own) for own in self._waiting.values())
            greedy = next(own for own in reversed(self._waiting.values()) if len(own) == longest)
            last = greedy[-1]
            last.turned_away = True
            self._give_up(last)
            self._changed.notify_all()

    def _give_up(self, place: Place) -> None:
        own = self._waiting.get(place.visitor)
        if own is not None and place in own:
            own.remove(place)
            if not own:
                del self._waiting[place.visitor]
