"""A tap on the events: what came, which route took it, what its rule did. `control` opens one.

It listens to the feed on the reactor thread, so it is held to a share of the reactor's time, and
a reader who is slow loses lines, counted; nothing ever waits for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any

from kzrules.broker.inhand import InHand
from kzrules.errors import SettingError
from kzrules.message.outcome import Ack, Reject
from kzrules.message.payload import dumps
from kzrules.operate.condition import Condition
from kzrules.operate.redact import HIDDEN, redacted, without

SHARE = 0.05
"""Of each second, what one tap may take of the reactor's time."""
LONGEST_PAYLOAD = 65_536
"""Bytes of a payload that is shown."""
EXAMPLE = '.Event-Name == "dialog_update" and outcome == "reject"'


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see."""

    route: str | None = None
    where: Condition | None = None
    unmatched: bool = False
    failed: bool = False
    redact: frozenset[str] = frozenset()
    limit: int | None = None
    rate: float = 100.0

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Wish":
        """From a request of the control socket; SettingError says what is wrong with it."""
        where, limit, rate = request.get("where"), request.get("limit"), request.get("rate", 100.0)
        redact, route = request.get("redact", []), request.get("route")
        if not isinstance(redact, list) or not all(isinstance(name, str) for name in redact):
            raise SettingError("redact is a list of field names")
        if not (limit is None or (isinstance(limit, int) and limit > 0)):
            raise SettingError("limit is a whole number above 0")
        if not isinstance(rate, int | float) or rate <= 0:
            raise SettingError("rate is a number above 0")
        return cls(
            None if route is None else str(route),
            None if where is None else Condition(str(where), EXAMPLE),
            bool(request.get("unmatched")),
            bool(request.get("failed")),
            frozenset(redact),
            limit,
            float(rate),
        )


class Tap:
    """One tap. `send` writes a line or says that the reader does not keep up; `over` ends it."""

    def __init__(
        self, wish: Wish, send: Callable[[bytes], bool], over: Callable[[], object], now: Callable[[], float]
    ) -> None:
        self.shown = 0
        self.left_out = 0
        """Events that would have been shown, or that nobody had time to look at."""
        self._wish = wish
        self._send = send
        self._over = over
        self._now = now
        self._second = 0
        self._in_second = 0
        self._spent = 0.0
        self._told = 0

    def __call__(self, item: InHand) -> None:
        """An event has ended."""
        second = int(self._now())
        if second != self._second:
            self._second, self._in_second, self._spent = second, 0, 0.0
        if not self._may_be_meant(item):
            return
        if self._in_second >= self._wish.rate or self._spent > SHARE:
            self.left_out += 1
            return
        began = perf_counter()
        self._look(item)
        self._spent += perf_counter() - began

    def _may_be_meant(self, item: InHand) -> bool:
        wish, outcome = self._wish, item.outcome
        unmatched = isinstance(outcome, Ack) and outcome.unmatched
        if wish.unmatched or wish.failed:
            failed = isinstance(outcome, Reject) or item.trouble is not None
            if not ((wish.unmatched and unmatched) or (wish.failed and failed)):
                return False
        if wish.route is None or (unmatched and wish.unmatched):
            return True
        return item.route is not None and fnmatchcase(item.route, wish.route)

    def _look(self, item: InHand) -> None:
        payload = item.event.received if item.event is not None else {}
        known = facts(item, self._now())
        if self._wish.where is not None and not self._wish.where(known, payload):
            return
        if self.left_out > self._told and self._send(b'{"left_out":%d}' % (self.left_out - self._told)):
            self._told = self.left_out
        if self._send(dumps(self._drawn(item, known, payload))):
            self.shown += 1
            self._in_second += 1
        else:
            self.left_out += 1
        if self._wish.limit is not None and self.shown >= self._wish.limit:
            self._over()

    def _drawn(self, item: InHand, known: dict[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
        size = len(item.delivery.body)
        shown: Any = None
        if item.event is not None and size <= LONGEST_PAYLOAD:
            hidden: list[str] = []
            shown = redacted(payload, self._wish.redact, hidden)
            known = without(known, hidden)
        elif self._wish.redact:
            known = {**known, "did": [], "routing_key": HIDDEN, "reason": HIDDEN}
        return {**known, "bytes": size, "payload": shown}


def facts(item: InHand, now: float) -> dict[str, Any]:
    """What is known of an event besides its payload; `--where` may name each."""
    source, event, outcome = item.delivery.source, item.event, item.outcome
    place = getattr(outcome, "place", None)
    return {
        "time": round(now, 3),
        "subscription": source.subscription,
        "zone": source.zone,
        "queue": source.queue,
        "exchange": event.exchange if event else item.delivery.exchange,
        "routing_key": event.routing_key if event else item.delivery.routing_key,
        "route": item.route,
        "generation": getattr(item.book, "generation", None),
        "outcome": type(outcome).__name__.lower() if outcome else None,
        "reason": item.trouble or (outcome.why if outcome else ""),
        "cause": str(outcome.cause) if isinstance(outcome, Reject) else None,
        "place": str(place) if place else None,
        "did": list(item.did),
        "attempt": event.attempt if event else 1,
        "redelivered": item.delivery.redelivered,
        "ms": round((now - event.received_at) * 1000, 1) if event else None,
        "msg_id": event.received.get("Msg-ID") if event else None,
    }
