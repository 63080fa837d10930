"""How fast counters go up: looked at once a second, over the last ten. Called by the service's tick."""

from collections import deque
from collections.abc import Mapping

SPAN = 10
"""Seconds that a rate is taken over."""


class Rates:
    """Rates of counters by name, each of which begins at 0; one that is looked at no more is forgotten."""

    def __init__(self, now: float) -> None:
        self._before = now
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def look(self, now: float, counts: Mapping[str, int]) -> None:
        """The counters as they stand now."""
        for gone in self._seen.keys() - counts.keys():
            del self._seen[gone]
        for name, count in counts.items():
            if name not in self._seen:
                self._seen[name] = deque([(self._before, 0)], maxlen=SPAN + 1)
            self._seen[name].append((now, count))
        self._before = now

    def of(self, name: str) -> float:
        """How much a second it went up; 0 for one that was not looked at."""
        seen = self._seen.get(name)
        if not seen:
            return 0.0
        (began, first), (now, last) = seen[0], seen[-1]
        return max(0.0, (last - first) / (now - began)) if now > began else 0.0
