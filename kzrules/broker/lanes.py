"""Which event may run now, where order or duplicates matter: one lane a key. Pure but for its lock.

A worker that has decoded a batch files its events here, under one lock for the batch, and gets
those that may run at once; whoever ends an event (a worker, or the reactor when the broker has
confirmed what it caused) gets those that may run next. Events of one order key run one at a time,
in the order in which they came; a copy of an event in hand waits for how that one ends. What
waits here is bounded by the prefetch.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from kzrules.broker.dedupe import Ended
from kzrules.language.program import DedupePolicy


class Keyed(Protocol):
    """An event in hand as the lanes see it."""

    order_key: Hashable | None
    dedupe_key: Hashable | None
    exempt: bool
    """A retry or a replay: never a duplicate."""


Item = TypeVar("Item", bound=Keyed)


class Next(Generic[Item]):
    """What follows: events that may run now, and copies that need not run at all."""

    __slots__ = ("duplicates", "run")

    def __init__(self) -> None:
        self.run: list[Item] = []
        self.duplicates: list[Item] = []


class Lanes(Generic[Item]):
    """The events of one subscription that are in hand, by key."""

    def __init__(self, dedupe: DedupePolicy | None, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._lanes: dict[Hashable, deque[Item]] = {}  # a key that is here is busy; its followers wait
        self._in_hand: dict[Hashable, Item] = {}  # dedupe key -> the first of its copies
        self._copies: dict[Hashable, deque[Item]] = {}  # dedupe key -> those that wait for the first
        self._ended = Ended(dedupe) if dedupe else None
        self._held: set[Hashable] = set()  # order keys whose event waits to be tried again
        self._held_events = 0

    @property
    def held(self) -> int:
        """Events that wait to be tried again, with all that wait behind them in their lanes."""
        return self._held_events

    @property
    def waiting(self) -> int:
        """Events that wait for another one's end."""
        with self._lock:
            return sum(map(len, self._lanes.values())) + sum(map(len, self._copies.values()))

    def admit(self, items: Iterable[Item]) -> Next[Item]:
        """File the events of a batch, in the order in which they came."""
        follows: Next[Item] = Next()
        with self._lock:
            for item in items:
                self._admit(item, follows)
        return follows

    def end(self, item: Item, *, settled: bool) -> Next[Item]:
        """An event that was let run is through. `settled`: done or rejected; else a copy takes its place."""
        follows: Next[Item] = Next()
        with self._lock:
            copy = self._end_copies(item, follows, settled=settled)
            if copy is not None and copy.order_key == item.order_key:
                follows.run.append(copy)  # the lane goes over to it
                self._release_hold(item.order_key)
            else:
                self._advance(item.order_key, follows)
                if copy is not None:
                    self._enter_lane(copy, follows)
        return follows

    def leave(self, item: Item) -> list[Item]:
        """The event goes back to its queue, and what waits behind it must not overtake it.

        All that waited in its lane, and the copies of these, in order: they are forgotten here.
        """
        with self._lock:
            self._release_hold(item.order_key)
            lane = self._lanes.pop(item.order_key, deque()) if item.order_key is not None else deque()
            left = list(lane)
            for one in (item, *lane):
                if one.dedupe_key is not None and self._in_hand.get(one.dedupe_key) is one:
                    del self._in_hand[one.dedupe_key]
                    left.extend(self._copies.pop(one.dedupe_key, ()))
        return left

    def hold(self, item: Item) -> None:
        """The event waits to be tried again, and its lane with it."""
        with self._lock:
            if item.order_key is not None and item.order_key not in self._held:
                self._held.add(item.order_key)
                self._held_events += 1 + len(self._lanes[item.order_key])

    def resume(self, item: Item) -> None:
        """The event is tried again now."""
        with self._lock:
            self._release_hold(item.order_key)

    # Under the lock.

    def _admit(self, item: Item, follows: Next[Item]) -> None:
        key = item.dedupe_key
        if key is None or self._ended is None:
            self._enter_lane(item, follows)
        elif item.exempt:
            self._in_hand.setdefault(key, item)
            self._enter_lane(item, follows)
        elif key in self._in_hand:
            self._copies.setdefault(key, deque()).append(item)
        elif self._ended.holds(key, self._now()):
            follows.duplicates.append(item)
        else:
            self._in_hand[key] = item
            self._enter_lane(item, follows)

    def _enter_lane(self, item: Item, follows: Next[Item]) -> None:
        key = item.order_key
        if key is None:
            follows.run.append(item)
        elif key in self._lanes:
            self._lanes[key].append(item)
            self._held_events += key in self._held
        else:
            self._lanes[key] = deque()
            follows.run.append(item)

    def _end_copies(self, item: Item, follows: Next[Item], *, settled: bool) -> Item | None:
        """Tell the copies; give the one that takes the place of an event that did not end here."""
        key = item.dedupe_key
        if key is None or self._ended is None:
            return None
        if settled:
            self._ended.add(key, self._now())
        if self._in_hand.get(key) is not item:
            return None
        del self._in_hand[key]
        copies = self._copies.pop(key, None)
        if not copies:
            return None
        if settled:
            follows.duplicates.extend(copies)
            return None
        self._in_hand[key] = first = copies.popleft()
        if copies:
            self._copies[key] = copies
        return first

    def _advance(self, key: Hashable | None, follows: Next[Item]) -> None:
        if key is None:
            return
        self._release_hold(key)
        lane = self._lanes[key]
        if lane:
            follows.run.append(lane.popleft())
        else:
            del self._lanes[key]

    def _release_hold(self, key: Hashable | None) -> None:
        if key is not None and key in self._held:
            self._held.remove(key)
            self._held_events -= 1 + len(self._lanes[key])
