"""What one consumer counts and how it is doing: plain values that the service reads for its status."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Since the consumer was made.

    Each delivery received is in hand or in exactly one of acknowledged, rejected, retried,
    returned and late; the other numbers tell more of these.
    """

    received: int = 0
    acknowledged: int = 0
    """Done, with the unmatched and the duplicates."""
    rejected: int = 0
    """Rejected for any cause, however that was settled on the wire."""
    retried: int = 0
    """Sent to a delay queue. A retry held in hand is no end, and counted in `held` only."""
    returned: int = 0
    """Given back to the queue at the end, for whoever consumes next."""
    late: int = 0
    """Their channel was lost before they were through; the broker delivers them again."""

    held: int = 0
    """Times that an event waited in our hand for its next attempt."""
    dead_lettered: int = 0
    dropped: int = 0
    """Rejected where the policy says drop."""
    failed: int = 0
    """Rejected because the rule raised."""
    unmatched: int = 0
    unreadable: int = 0
    """Rejected because the payload could not be read."""
    duplicates: int = 0
    redelivered: int = 0
    unpublished: int = 0
    """Events of which a message could not be published."""
    delayed_ends: int = 0
    """Times that a retry or dead letter was not confirmed and had to be sent again."""

    @property
    def settled(self) -> int:
        """Deliveries that reached their end here."""
        return self.acknowledged + self.rejected + self.retried + self.returned + self.late


@dataclass(frozen=True, slots=True)
class Health:
    """How a consumer is doing. Times are seconds of the reactor's clock."""

    subscription: str
    zone: str
    queue: str | None
    consuming: bool
    """The broker has confirmed the consumer, and nothing was heard to the contrary."""
    unacknowledged: int
    in_hand: int
    last_event: float | None
    settling: bool
    """False: deliveries wait, and none of them was settled for longer than any event may take."""
    paused: bool
    trouble: str | None
    """Why it does not consume, in one sentence; None where it does."""
