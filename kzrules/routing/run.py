"""A running event: what compiled rules call while they run, and what they have collected so far.

`decide` makes one for each event, timer or delayed block, and takes what it collected at each wait
and at the end. Every piece of work that grows with its input is paid for here, in steps.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language.compile import Unanswerable
from kzrules.language.program import Program
from kzrules.language.values import bounded_text, hashable, said, text
from kzrules.message.action import Action, After, Answer, Log, Publish, Query, Reply, Unanswered
from kzrules.message.event import Event
from kzrules.message.outcome import Place
from kzrules.message.payload import Stamp, encode, plain_server_id, without_transport
from kzrules.routing.tables import Tables, counted
from kzrules.wire.properties import Properties
from kzrules.wire.retries import original_properties
from kzrules.wire.routing_key import checked_key

STEPS = 2_000_000
"""What one event may do in its whole life: about a second of one processor."""
LONGEST_WAIT = 60.0
"""Seconds that one event may wait for answers, all waits together."""
MOST_LOGS = 1000
LONGEST_LOG = 16_384
DROPPED = object()


@dataclass(frozen=True, slots=True)
class Ground:
    """What all runs of one book stand on. `delay` starts a delayed block: `routing.decide` gives it."""

    program: Program
    tables: Tables
    stamp: Stamp
    delay: Callable[..., Any]
    random_id: Callable[[], str] = lambda: str(uuid.uuid4())
    clock: Callable[[], float] = time.time


class Run:
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
        self.spend(1)
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
        for (table, _), (key, value, lasting) in self.writes.items():
            if value is DROPPED:
                self.ground.tables[table].drop(key)
            else:
                self.ground.tables[table].write(key, value, self.now, lasting)
        self.writes.clear()

    # --- messages

    def publish(  # noqa: PLR0917  the word's parameters, in their order; keywords would cost
        self, exchange: Any, key: Any, body: Any, headers: Any, persistent: Any, mandatory: Any
    ) -> None:
        """One message, once the rule ends well or comes to a wait."""
        message_id = self.message_id()
        self._check_address(exchange, key)
        encoded = self._encoded(body, message_id)
        flags = (_flag("persistent", persistent), _flag("mandatory", mandatory))
        self.actions.append(Publish(exchange, key, encoded, message_id, _headers(headers), *flags))

    def query(self, exchange: Any, key: Any, body: Any, timeout: Any, headers: Any) -> Query:
        """A question: `decide` hands it out and comes back with the answer."""
        self._check_address(exchange, key)
        if timeout.__class__ is not timedelta or timeout <= timedelta():
            raise RuleFailure("`timeout` needs a duration longer than 0s")
        left = LONGEST_WAIT - self.waited
        if left <= 0:
            raise RuleFailure(f"the event has waited {LONGEST_WAIT:g} s in all, and may not wait longer")
        msg_id = self.ground.random_id()
        asked = {**body, "Msg-ID": msg_id, "Server-ID": None} if body.__class__ is dict else body
        encoded = self._encoded(asked, msg_id)
        seconds = min(timeout.total_seconds(), left)
        return Query(exchange, key, encoded, msg_id, seconds, _headers(headers))

    def answer(self, answer: Answer) -> dict[str, Any]:
        """The answer in the place of its question."""
        if isinstance(answer, Unanswered):
            raise Unanswerable(answer.why)
        return answer.payload

    def reply(self, body: Any, last: Any) -> None:
        """An answer to whoever asked, by the broker that the question came from."""
        if self.event is None:
            raise RuleFailure("there is nobody to reply to: this block belongs to no event")
        if self.replied:
            raise RuleFailure("this event has been answered; all replies but the last say `last: false`")
        self.replied = _flag("last", last)
        exchange, key = self._asker()
        properties = self._properties()
        correlation = properties.get("correlation_id")
        asked = self.received.get("Msg-ID")
        if asked is not None and body.__class__ is dict:
            body = {**body, "Msg-ID": asked}
        message_id = self.message_id()
        encoded = self._encoded(body, message_id)
        server = self.event.delivery.source.server
        correlation_id = correlation if isinstance(correlation, str) else None
        self.actions.append(Reply(exchange, key, encoded, message_id, correlation_id, server))

    def _asker(self) -> tuple[str, str]:
        asker = self.received.get("Server-ID")
        if asker.__class__ is str and asker:
            key = plain_server_id(asker)
            if key:
                return "targeted", checked_key(key)
        reply_to = self._properties().get("reply_to")
        if isinstance(reply_to, str) and reply_to:
            return "", checked_key(reply_to)
        raise RuleFailure("there is nobody to reply to: the event has neither a Server-ID nor a reply_to")

    def _check_address(self, exchange: Any, key: Any) -> None:
        if exchange.__class__ is not str:
            raise RuleFailure(f"an exchange's name is text, and this is {said(exchange)}")
        if key.__class__ is not str:
            raise RuleFailure(f"a routing key is text, and this is {said(key)}")
        checked_key(exchange)
        checked_key(key)

    def _encoded(self, body: Any, msg_id: str) -> bytes:
        made = encode(body, self.ground.stamp, msg_id)
        self.spend(16 + (len(made) >> 4))
        return made

    def message_id(self) -> str:
        """The id of the next message: the same when the event is done again."""
        if self._message_base is None:
            self._message_base = self._base()
        self._ordinal += 1
        return f"{self._message_base}-{self._ordinal}"

    def _base(self) -> str:
        if self.event is None:
            return self.ground.random_id()
        source = f"{event_id(self.event)}\0{self.event.delivery.source.subscription}\0{self.route}"
        return blake2b(source.encode(errors="replace"), digest_size=12).hexdigest()

    # --- the rest

    def after(self, delay: Any, name: str, block: Callable[..., Any], given: tuple[Any, ...]) -> None:
        """Run a block once, later."""
        if delay.__class__ is not timedelta or delay < timedelta():
            raise RuleFailure("`after` needs a duration that is not less than 0s")
        self.spend(16)
        ground, received, event = self.ground, self.received, self.event
        start: Callable[[float], Any] = lambda now: ground.delay(  # noqa: E731  it is a field of the action
            ground, name, block, received, event, given, now
        )
        self.actions.append(After(name, delay.total_seconds(), start))

    def log(self, level: str, line: str, place: Place) -> None:
        """A line in the log, kept even when the rule fails."""
        self.spend(4)
        if len(self.logs) >= MOST_LOGS:
            self.lines_left_out += 1
            return
        if len(line) > LONGEST_LOG:
            line = f"{line[:LONGEST_LOG]}... ({len(line)} characters)"
        self.logs.append(Log(level, line, self.route or "", place))

    def take(self) -> tuple[tuple[Action, ...], tuple[Log, ...]]:
        """What was collected since the last wait."""
        if self.lines_left_out:
            place = self.logs[-1].place
            said_so = f"{self.lines_left_out} further lines of this event were left out"
            self.logs.append(Log("warn", said_so, self.route or "", place))
            self.lines_left_out = 0
        taken = tuple(self.actions), tuple(self.logs)
        self.actions, self.logs = [], []
        return taken


def event_id(event: Event) -> str:
    """The event's own id: its `message_id`, else its `Msg-ID`, else a random one that travels with it."""
    if event.random_id is not None:
        return event.random_id
    try:
        known: Any = Properties(event.delivery.properties).get("message_id")
    except PayloadError:
        known = None
    known = known or event.received.get("Msg-ID")
    if known is None or known == "":
        event.random_id = str(uuid.uuid4())
        return event.random_id
    return text(known)


def _flag(name: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    raise RuleFailure(f"`{name}` is true or false, and this is {said(value)}")


def _headers(value: Any) -> Mapping[str, Any]:
    if value.__class__ is not dict:
        raise RuleFailure(f"`headers` needs an object, and this is {said(value)}")
    return dict(value)
