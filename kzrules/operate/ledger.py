"""What each route did and each line of the rules failed with, since the start. Always on, so kept cheap.

The service notes every settled event here; `service.snapshot` reads it. Names come from rules,
so there are never more entries than rules; failures are bounded besides.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from kzrules.broker.inhand import InHand
from kzrules.message.outcome import Ack, Reject

MOST_FAILURES = 200
LONGEST_REASON = 500


@dataclass(slots=True)
class Done:
    """What one route did; `last` is when, in Unix seconds."""

    taken: int = 0
    failed: int = 0
    last: float = 0.0


@dataclass(slots=True)
class Failed:
    """What went wrong at one place."""

    subscription: str
    route: str | None
    place: str | None
    cause: str
    count: int = 0
    last: float = 0.0
    why: str = ""


class Ledger:
    """Counts by route and by failing line. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.routes: dict[str, Done] = {}
        self._failures: OrderedDict[tuple[str, str | None, str | None, str], Failed] = OrderedDict()
        self._clock = clock

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The latest first."""
        return tuple(reversed(self._failures.values()))

    def note(self, item: InHand) -> None:
        """An event has ended."""
        now = self._clock()
        route = item.route
        if route is not None:
            done = self.routes.get(route)
            if done is None:
                done = self.routes[route] = Done()
            done.taken += 1
            done.last = now
        outcome = item.outcome
        if outcome.__class__ is not Ack or item.trouble is not None:
            self._failed(item, now)

    def _failed(self, item: InHand, now: float) -> None:
        outcome = item.outcome
        cause = str(outcome.cause) if isinstance(outcome, Reject) else "retry"
        place = getattr(outcome, "place", None)
        key = (item.delivery.source.subscription, item.route, str(place) if place else None, cause)
        failure = self._failures.pop(key, None) or Failed(*key)
        failure.count += 1
        failure.last = now
        failure.why = (item.trouble or (outcome.why if outcome else ""))[:LONGEST_REASON]
        self._failures[key] = failure
        if len(self._failures) > MOST_FAILURES:
            self._failures.popitem(last=False)
        if item.route is not None and cause != "retry":
            self.routes[item.route].failed += 1
