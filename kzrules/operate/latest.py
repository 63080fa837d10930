"""What failed of late, and the way that the last such event took through the rules: what the page shows.

The feed calls it. One entry for each line of the rules that fails, few of them, and no payload: what a
rule says of it is all.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from kzrules.broker.inhand import InHand
from kzrules.message.outcome import Ack, Reject

KEPT = 50
LONGEST_TEXT = 500

Key = tuple[str, str | None, str | None, str]


@dataclass(frozen=True, slots=True)
class Latest:
    """The last failure of one place. `names` are the event's, most specific first; `route` took it."""

    at: float
    count: int
    subscription: str
    route: str | None
    place: str | None
    outcome: str
    why: str
    names: tuple[str, ...]
    routing_key: str
    did: tuple[str, ...]
    attempt: int
    msg_id: str | None


class Failures:
    """The places that failed last. `wall` gives Unix seconds."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._kept: OrderedDict[Key, Latest] = OrderedDict()
        self._wall = wall

    @property
    def latest(self) -> list[Latest]:
        """The latest first."""
        return list(reversed(self._kept.values()))

    def event(self, item: InHand) -> None:
        """An event has ended."""
        if item.outcome.__class__ is Ack and item.trouble is None:
            return
        key = _key(item)
        before = self._kept.pop(key, None)
        self._kept[key] = _latest(item, key, before.count + 1 if before else 1, self._wall())
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _key(item: InHand) -> Key:
    outcome = item.outcome
    place = getattr(outcome, "place", None)
    said = f"rejected: {outcome.cause}" if isinstance(outcome, Reject) else "retry"
    return item.delivery.source.subscription, item.route, str(place) if place else None, said


def _latest(item: InHand, key: Key, count: int, now: float) -> Latest:
    event, outcome = item.event, item.outcome
    msg_id = event.received.get("Msg-ID") if event else None
    return Latest(
        now,
        count,
        *key,
        why=(item.trouble or (outcome.why if outcome else ""))[:LONGEST_TEXT],
        names=item.book.names_of(event, now) if event else (),
        routing_key=event.routing_key if event else item.delivery.routing_key,
        did=tuple(item.did),
        attempt=item.attempt,
        msg_id=str(msg_id)[:LONGEST_TEXT] if msg_id is not None else None,
    )
