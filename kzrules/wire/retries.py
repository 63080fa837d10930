"""The headers of ours on messages that go round again: retries, dead letters, replays.

Pure. `broker.failure` writes them, `routing` reads them (so that `meta` shows the original
delivery, not the delay queue's), `broker.deadletters` reads and replays. The original's
properties stay byte for byte but for what the broker would act upon a second time: a `user_id`
that is not ours closes the channel, an `expiration` would run in the queue that should keep the
message, and `CC` and `BCC` would route the copy; these wait in headers of ours meanwhile.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kzrules.errors import PayloadError
from kzrules.message.delivery import Delivery
from kzrules.wire.properties import PERSISTENT, Properties, encode, with_headers, with_values

PREFIX = "x-kzrules-"
ATTEMPT = PREFIX + "attempt"
EXCHANGE = PREFIX + "exchange"
ROUTING_KEY = PREFIX + "routing-key"
EVENT_ID = PREFIX + "id"
REPLAYED = PREFIX + "replayed"
HELD_PROPERTIES = {"expiration": PREFIX + "expiration", "user_id": PREFIX + "user-id"}

DEATHS = tuple(
    ["x-death"]
    + [f"x-{which}-death-{what}" for which in ("first", "last") for what in ("exchange", "queue", "reason")]
)
"""What the broker writes when a message leaves a delay queue; an original may have brought its own."""
COPIES = ("CC", "BCC")
"""RabbitMQ's sender-selected distribution: further routing keys, in headers."""
HIDDEN = {name: PREFIX + "original-" + name.lower() for name in (*COPIES, *DEATHS)}
_SHOWN = {hidden: name for name, hidden in HIDDEN.items()}

DIED_AT = PREFIX + "died-at"
WHY = PREFIX + "why"
CAUSE = PREFIX + "cause"
WHERE = PREFIX + "where"
ATTEMPTS = PREFIX + "attempts"
SUBSCRIPTION = PREFIX + "subscription"
QUEUE = PREFIX + "queue"
ZONE = PREFIX + "zone"
_OURS = (ATTEMPT, DIED_AT, WHY, CAUSE, WHERE, ATTEMPTS, SUBSCRIPTION, QUEUE, ZONE)

_MARK = PREFIX.encode()
_LONGEST_TEXT = 1_000
_MOST_ATTEMPTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event came from first, and how often it has been tried, this time included."""

    exchange: str
    routing_key: str
    attempt: int = 1
    event_id: str | None = None
    """The random id of an event whose message has none of its own."""
    replayed: int = 0
    """How often it came back from a dead-letter queue."""

    @property
    def exempt(self) -> bool:
        """A retry or a replay: sent again on purpose, so never a duplicate."""
        return self.attempt > 1 or self.replayed > 0


@dataclass(frozen=True, slots=True)
class Death:
    """Why a message is a dead letter. `when` is ISO 8601; `where` is a rule's file and line, or empty."""

    when: str
    why: str
    cause: str
    attempts: int
    subscription: str
    queue: str
    zone: str
    where: str = ""


def is_copy(delivery: Delivery) -> bool:
    """A retry or a replay: it came by the default exchange, straight to its queue, with our headers.

    A message of the bus that merely carries such headers is not believed.
    """
    return (
        not delivery.exchange
        and delivery.routing_key == delivery.source.queue
        and _MARK in delivery.properties
    )


def origin(delivery: Delivery) -> Origin:
    """Where the event of this delivery came from first. Properties that cannot be read say nothing."""
    if is_copy(delivery):
        try:
            return _origin(Properties(delivery.properties).headers, delivery)
        except PayloadError:
            pass
    return Origin(delivery.exchange, delivery.routing_key)


def original_properties(delivery: Delivery) -> bytes:
    """The properties that the message had when it first came; those of the delivery where it is no copy."""
    return _restored(delivery.properties) if is_copy(delivery) else delivery.properties


def retried(delivery: Delivery, attempt: int, event_id: str | None = None) -> Delivery:
    """The delivery as it comes back for its next attempt, by a delay queue or out of our own hand.

    `attempt` counts from 1: the first retry is attempt 2.
    """
    first = origin(delivery)
    ours: dict[str, Any] = {
        ATTEMPT: attempt,
        EXCHANGE: first.exchange,
        ROUTING_KEY: first.routing_key,
        EVENT_ID: event_id or first.event_id,
        REPLAYED: first.replayed or None,
    }
    try:
        properties = _retried(delivery, ours)
    except PayloadError:
        properties = _without_original(ours)
    return delivery._replace(exchange="", routing_key=delivery.source.queue, properties=properties)


def dead(delivery: Delivery, death: Death, event_id: str | None = None) -> bytes:
    """The properties of the dead letter of this delivery. Its body is the original's."""
    first = origin(delivery)
    ours: dict[str, Any] = {
        DIED_AT: death.when,
        WHY: death.why[:_LONGEST_TEXT],
        CAUSE: death.cause,
        WHERE: death.where or None,
        ATTEMPTS: death.attempts,
        SUBSCRIPTION: death.subscription,
        QUEUE: death.queue,
        ZONE: death.zone,
        EXCHANGE: first.exchange,
        ROUTING_KEY: first.routing_key,
        EVENT_ID: event_id or first.event_id,
        REPLAYED: first.replayed or None,
    }
    try:
        return _dead(delivery, ours)
    except PayloadError:
        return _without_original(ours)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What the headers of a dead letter tell. `queue` is the one that it goes back to."""

    queue: str
    origin: Origin
    death: Death | None
    """None: not one of ours; the broker put it here (`x-death` says from which queue)."""


def read_dead(delivery: Delivery) -> DeadLetter | None:
    """What a message in a dead-letter queue tells of itself. None: nobody wrote where it came from."""
    try:
        headers = Properties(delivery.properties).headers
    except PayloadError:
        return None
    queue = headers.get(QUEUE)
    if isinstance(queue, str) and queue:
        death = Death(
            when=_text(headers, DIED_AT, ""),
            why=_text(headers, WHY, ""),
            cause=_text(headers, CAUSE, ""),
            attempts=_count(headers, ATTEMPTS, 1),
            subscription=_text(headers, SUBSCRIPTION, ""),
            queue=queue,
            zone=_text(headers, ZONE, ""),
            where=_text(headers, WHERE, ""),
        )
        return DeadLetter(queue, _origin(headers, delivery), death)
    return _dead_by_broker(headers)


def replayed(delivery: Delivery, letter: DeadLetter) -> bytes:
    """The properties that a dead letter is sent back to its queue with: its first attempt, anew."""
    ours: dict[str, Any] = {
        EXCHANGE: letter.origin.exchange,
        ROUTING_KEY: letter.origin.routing_key,
        EVENT_ID: letter.origin.event_id,
        REPLAYED: letter.origin.replayed + 1,
    }
    if letter.death is None:  # the broker's own words tell of this very death
        return _changed(delivery.properties, ours, hide=COPIES, without=DEATHS)
    return _changed(delivery.properties, ours, hide=DEATHS)


def _retried(delivery: Delivery, ours: Mapping[str, Any]) -> bytes:
    if is_copy(delivery):
        return _changed(delivery.properties, ours, without=DEATHS)
    return _changed(delivery.properties, ours, hide=HIDDEN)


def _dead(delivery: Delivery, ours: Mapping[str, Any]) -> bytes:
    return _changed(original_properties(delivery), ours, hide=COPIES)


def _changed(
    raw: bytes, ours: Mapping[str, Any], *, hide: Collection[str] = (), without: Collection[str] = ()
) -> bytes:
    written = {name: value for name, value in ours.items() if value is not None}
    known = Properties(raw)
    for name, header in HELD_PROPERTIES.items():
        value = known.get(name)
        if value is not None:
            written[header] = value
    return with_headers(
        raw,
        written,
        without=(*(name for name in _OURS if name not in written), *without),
        renamed={name: HIDDEN[name] for name in hide},
        dropped=tuple(HELD_PROPERTIES),
    )


def _without_original(ours: Mapping[str, Any]) -> bytes:
    """Properties that nobody can read cannot be repeated; the body can."""
    return encode(
        {name: value for name, value in ours.items() if value is not None}, delivery_mode=PERSISTENT
    )


def _restored(raw: bytes) -> bytes:
    headers = Properties(raw).headers
    ours = [name for name in headers if name.startswith(PREFIX) and name not in _SHOWN]
    plain = with_headers(raw, {}, without=(*ours, *DEATHS), renamed=_SHOWN)
    held = {name: headers[header] for name, header in HELD_PROPERTIES.items() if header in headers}
    return with_values(plain, **{name: value for name, value in held.items() if isinstance(value, str)})


def _dead_by_broker(headers: Mapping[str, Any]) -> DeadLetter | None:
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    if not isinstance(first, dict) or not isinstance(first.get("queue"), str):
        return None
    keys = first.get("routing-keys")
    key = keys[0] if isinstance(keys, list) and keys and isinstance(keys[0], str) else ""
    return DeadLetter(first["queue"], Origin(_text(first, "exchange", ""), key), None)


def _origin(headers: Mapping[str, Any], delivery: Delivery) -> Origin:
    event_id = headers.get(EVENT_ID)
    return Origin(
        _text(headers, EXCHANGE, delivery.exchange),
        _text(headers, ROUTING_KEY, delivery.routing_key),
        _count(headers, ATTEMPT, 1),
        event_id if isinstance(event_id, str) else None,
        _count(headers, REPLAYED, 0),
    )


def _text(headers: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = headers.get(name)
    return value if isinstance(value, str) else otherwise


def _count(headers: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = headers.get(name)
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_ATTEMPTS
    return value if known else otherwise  # type: ignore[return-value]  # `known` says that it is an int
