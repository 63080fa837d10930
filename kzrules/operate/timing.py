"""How long things took, by name: few integers for each name, since it is written for every event.

The feed calls `Timing.event`; `metrics` reads the counts. Names of routes come from rules, never
from an event, so there are never more entries than rules.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

from kzrules.broker.inhand import InHand

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds; what took longer is counted above the last."""


class Histogram:
    """Counts of durations by `BOUNDS`."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def took(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and how many took at most that, as Prometheus has it."""
        names = [*map(str, BOUNDS), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))


class Timing:
    """Events by the route that took them, from their arrival until all that they caused is confirmed."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.routes: dict[str, Histogram] = {}
        self.queries = Histogram()
        self._wall = wall

    def event(self, item: InHand) -> None:
        """An event has ended."""
        event, route = item.event, item.route
        if event is None or route is None:
            return
        known = self.routes.get(route)
        if known is None:
            known = self.routes[route] = Histogram()
        known.took(self._wall() - event.received_at)
