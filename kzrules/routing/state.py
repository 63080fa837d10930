"""The state of a running event: its budget, what it can read, and its tables with its own writes.

`run.Run` adds messages and logs to it. Every piece of work that grows with its input is paid for
here, in steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language.program import Program
from kzrules.language.values import bounded_text, hashable, said
from kzrules.message.event import Event
from kzrules.message.ids import random_id
from kzrules.message.payload import Stamp, weigh, without_transport
from kzrules.routing.tables import Tables, counted
from kzrules.wire.properties import Properties
from kzrules.wire.retries import original_properties

if TYPE_CHECKING:
    from kzrules.message.action import Action, Log

STEPS = 2_000_000
"""What one event may do in its whole life: about a second of one processor."""
DROPPED = object()


@dataclass(frozen=True, slots=True)
class Ground:
    """What all runs of one book stand on. `delay` starts a delayed block: `routing.decide` gives it."""

    program: Program
    tables: Tables
    stamp: Stamp
    delay: Callable[..., Any]
    random_id: Callable[[], str] = random_id


class State:
    """One life of one event, waits included. Only one thread runs it at a time."""

    __slots__ = (
        "_message_base",
        "_ordinal",
        "_payload",
        "actions",
        "asked_at",
        "event",
        "ground",
        "lines_left_out",
        "logs",
        "now",
        "received",
        "replied",
        "route",
        "steps",
        "waited",
        "writes",
    )

    def __init__(
        self, ground: Ground, received: dict[str, Any], now: float, event: Event | None, route: str | None
    ) -> None:
        self.ground = ground
        self.received = received
        self.now = now
        self.event = event
        self.route = route
        self.steps = STEPS
        self.waited = 0.0
        self.asked_at = 0.0
        self.actions: list[Action] = []
        self.logs: list[Log] = []
        self.lines_left_out = 0
        self.writes: dict[tuple[str, Any], tuple[Any, Any, float | None]] = {}
        self.replied = False
        self._payload: dict[str, Any] | None = None
        self._message_base: str | None = None
        self._ordinal = 0

    # --- the budget

    def spend(self, steps: int) -> None:
        """Take steps off the budget."""
        self.steps -= steps
        if self.steps < 0:
            raise RuleFailure(f"the event has used up its {STEPS} steps; make its loops or its texts smaller")

    def sized(self, made: str) -> str:
        """A text that may have grown: paid for, and within the largest size."""
        if len(made) > 1024:
            self.spend(len(made) >> 6)
            bounded_text(made)
        return made

    def bounded(self, made: Any) -> Any:
        """What a word gave."""
        if made.__class__ is str:
            return self.sized(made)
        if made.__class__ is list or made.__class__ is dict:
            self.spend(len(made))
        return made

    def call(self, word: Callable[..., Any], *arguments: Any) -> Any:
        """A word in a loop: paid for by the size of what it takes and gives."""
        steps = 4
        for argument in arguments:
            kind = argument.__class__
            if kind is str:
                steps += len(argument) >> 6
            elif kind is list or kind is dict:
                steps += len(argument)
        self.spend(steps)
        return self.bounded(word(*arguments))

    def matching(self, search: Callable[[Any], bool], subject: Any) -> bool:
        """`matches` in a loop."""
        if subject.__class__ is str:
            self.spend(1 + (len(subject) >> 6))
        return search(subject)

    # --- what is at hand

    @property
    def payload(self) -> dict[str, Any]:
        """What the sender meant: the received object without what the transport put into it."""
        if self._payload is None:
            self._payload = without_transport(self.received)
        return self._payload

    @property
    def meta(self) -> dict[str, Any]:
        """All that is known of the delivery, as one object."""
        names = "exchange routing_key redelivered attempt headers properties zone subscription received_at"
        return {name: getattr(self, f"meta_{name}") for name in names.split()}

    @property
    def meta_exchange(self) -> str | None:
        """The exchange that the original was published to."""
        return self.event.exchange if self.event else None

    @property
    def meta_routing_key(self) -> str | None:
        """The original's routing key."""
        return self.event.routing_key if self.event else None

    @property
    def meta_redelivered(self) -> bool | None:
        """Whether the broker delivered it before."""
        return self.event.delivery.redelivered if self.event else None

    @property
    def meta_attempt(self) -> int | None:
        """Which attempt this is, from 1."""
        return self.event.attempt if self.event else None

    @property
    def meta_headers(self) -> dict[str, Any]:
        """The original's AMQP headers."""
        return self._properties().headers if self.event else {}

    @property
    def meta_properties(self) -> dict[str, Any]:
        """The original's other AMQP properties that are there."""
        return dict(self._properties().as_object()) if self.event else {}

    @property
    def meta_zone(self) -> str | None:
        """The zone that it came from."""
        return self.event.delivery.source.zone if self.event else None

    @property
    def meta_subscription(self) -> str | None:
        """The subscription that it came by."""
        return self.event.delivery.source.subscription if self.event else None

    @property
    def meta_received_at(self) -> float | None:
        """When it came, in Unix seconds."""
        return self.event.received_at if self.event else None

    def _properties(self) -> Properties:
        """Those of the original; `RuleFailure` where nobody can read them."""
        if self.event is None:
            raise RuleFailure("this block belongs to no event")
        known = Properties(original_properties(self.event.delivery))
        try:
            known.headers  # noqa: B018  decoded here, where a failure has a name
        except PayloadError as wrong:
            raise RuleFailure(str(wrong)) from None
        return known

    # --- tables

    def read(self, table: str, key: Any) -> Any:
        """An entry, its own writes included."""
        place = key if key.__class__ is str else hashable(key)
        if self.writes:
            pending = self.writes.get((table, place))
            if pending is not None:
                own = pending[1]
                return self.ground.tables[table].spec.default if own is DROPPED else own
        return self.ground.tables[table].read(place, self.now)

    def write(self, table: str, key: Any, value: Any, lasting: Any) -> None:
        """Remember a value once the rule ends well or comes to a wait."""
        seconds: float | None = None
        if lasting is not None:
            if lasting.__class__ is not timedelta:
                raise RuleFailure(f"`lasting` needs a duration, and this is {said(lasting)}")
            seconds = lasting.total_seconds()
        large = value.__class__ is dict or value.__class__ is list
        self.spend(1 + (weigh(value) >> 6) if large else 1)
        self.writes[table, self._place(table, key)] = (key, value, seconds)

    def drop(self, table: str, key: Any) -> None:
        """Forget an entry once the rule ends well or comes to a wait."""
        self.spend(1)
        self.writes[table, self._place(table, key)] = (key, DROPPED, None)

    def _place(self, table: str, key: Any) -> Any:
        if key is None:
            raise RuleFailure(f"the key of an entry of {table} is null")
        return hashable(key)

    def drop_where(self, table: str, test: Callable[[Any, Any], bool], weight: int) -> None:
        """Forget the entries that the test holds for."""
        entries = self.ground.tables[table].live(self.now)
        self.spend((len(entries) + len(self.writes)) * weight)
        there = {hashable(entry.key): (entry.key, entry.value) for entry in entries}
        for (name, place), (key, value, _) in self.writes.items():
            if name == table:
                there[place] = (key, value)
        for place, (key, value) in there.items():
            if value is not DROPPED and test(key, value):
                self.writes[table, place] = (key, DROPPED, None)

    def increment(self, table: str, key: Any, by: Any) -> Any:
        """Count, at once and for good; over a write of its own, together with that write."""
        self.spend(1)
        place = self._place(table, key)
        pending = self.writes.get((table, place))
        if pending is None:
            return self.ground.tables[table].increment(key, by, self.now)
        old = self.ground.tables[table].spec.default if pending[1] is DROPPED else pending[1]
        value = counted(table, old, by)
        self.writes[table, place] = (key, value, pending[2])
        return value

    def commit(self) -> None:
        """Table writes take effect: the rule ended well, or comes to a wait."""
        if not self.writes:
            return
        tables, now = self.ground.tables, self.now
        for (table, place), (key, value, lasting) in self.writes.items():
            if value is DROPPED:
                tables[table].drop(key)
            else:
                tables[table].put(place, key, value, now, lasting)
        self.writes.clear()
