"""One delivery on its way: from the hand-over to the workers until it is settled.

Made on a worker by `running`, brought to its end on the reactor thread by `perform` and `endings`.
"""

from collections.abc import Hashable
from typing import Any, Protocol

from kzrules.broker.settle import Settlement
from kzrules.message.delivery import Delivery
from kzrules.message.event import Event
from kzrules.message.outcome import Outcome, Reject
from kzrules.routing.decide import Step
from kzrules.wire import retries


class Book(Protocol):
    """The part of `routing.book` that deliveries need."""

    def decode(self, delivery: Delivery, received_at: float) -> Event | Reject:
        """The event of a delivery; Reject where it cannot be read."""

    def order_key(self, event: Event) -> Hashable | None:
        """The value of `ordered_by`; raises RuleFailure."""

    def dedupe_key(self, event: Event) -> Hashable | None:
        """The value of `dedupe: by(...)`; raises RuleFailure."""

    def run(self, event: Event, now: float) -> Step:
        """The first step of the rule that takes the event."""

    def names_of(self, event: Event, now: float) -> tuple[str, ...]:
        """The names of an event, most specific first."""


class InHand:
    """A delivery with what has become of it. Only one thread has it at a time."""

    __slots__ = (
        "book",
        "dedupe_key",
        "delivery",
        "did",
        "event",
        "exempt",
        "filed",
        "order_key",
        "outcome",
        "route",
        "settlement",
        "span",
        "trouble",
        "unconfirmed",
    )

    span: Any
    """Of tracing, which sets it; where that is off nobody does, and it costs nothing."""

    def __init__(self, delivery: Delivery, settlement: Settlement, book: Book) -> None:
        self.delivery = delivery
        self.settlement = settlement
        self.book = book
        self.event: Event | None = None
        self.order_key: Hashable | None = None
        self.dedupe_key: Hashable | None = None
        self.exempt = False
        self.filed = False
        """The lanes know of it, and must be told when it is through."""
        self.route: str | None = None
        self.outcome: Outcome | None = None
        """What the rule decided; None while it runs or waits."""
        self.did: list[str] = []
        """What was published and replied, in a few words, for people."""
        self.unconfirmed = 0
        """Groups of messages that the event caused and that no broker has confirmed yet."""
        self.trouble: str | None = None
        """Why one of these could not be published."""

    @property
    def attempt(self) -> int:
        """How often the event is tried, this time included."""
        return self.event.attempt if self.event else retries.origin(self.delivery).attempt

    @property
    def random_id(self) -> str | None:
        """The id that retries carry on for an event that brought none."""
        return self.event.random_id if self.event else None

    def begin_again(self, book: Book) -> None:
        """Its next attempt, without having left our hand: as it would look from a delay queue."""
        self.delivery = retries.retried(self.delivery, self.attempt + 1, self.random_id)
        self.book = book
        self.event = self.outcome = self.trouble = self.route = None
