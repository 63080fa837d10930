"""Keys of events that ended here, for as long as a copy of one may still come. Called by the lanes.

Time is an argument (seconds of any one clock). Not thread-safe: the lanes' lock covers it.
"""

from collections import OrderedDict
from collections.abc import Hashable

from kzrules.language.program import DedupePolicy


class Ended:
    """`dedupe: by(KEY, within:, max:)`: the keys that ended as done or rejected, oldest first."""

    __slots__ = ("_limit", "_until", "_within", "evicted")

    def __init__(self, policy: DedupePolicy) -> None:
        self._within = policy.within
        self._limit = policy.limit
        self._until: OrderedDict[Hashable, float] = OrderedDict()  # in the order of their time
        self.evicted = 0
        """Keys that went before their time because there was no room: their copies are not recognised."""

    def __len__(self) -> int:
        return len(self._until)

    def add(self, key: Hashable, now: float) -> None:
        """An event of this key ended."""
        self._forget_old(now)
        self._until.pop(key, None)
        if len(self._until) >= self._limit:
            self._until.popitem(last=False)
            self.evicted += 1
        self._until[key] = now + self._within

    def holds(self, key: Hashable, now: float) -> bool:
        """An event of this key ended within the time."""
        until = self._until.get(key)
        return until is not None and now < until

    def _forget_old(self, now: float) -> None:
        while self._until:
            key = next(iter(self._until))
            if self._until[key] > now:
                return
            del self._until[key]
