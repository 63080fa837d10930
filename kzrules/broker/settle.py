"""The settlement of one channel's deliveries: each exactly once, on the channel that brought it.

Called by the consumer and by whoever ends an event. Acks are gathered for a moment and written as
few as the watermark allows. When the channel is gone, nothing is settled on it any more: the
broker has taken those deliveries back.
"""

from collections.abc import Sequence
from typing import Protocol

from kzrules.clock import Clock, Timer
from kzrules.message.delivery import Delivery
from kzrules.wire.watermark import Watermark

HOLD = 0.002
"""Seconds that an ack may wait for others: each one is work for the broker and a write for us."""
NO_PREFETCH = 1_000
"""Counts as the prefetch where there is none."""


class AckingChannel(Protocol):
    """The part of `broker.channel` that settles."""

    generation: int

    def ack_all(self, acks: Sequence[tuple[int, bool]]) -> None:
        """basic.ack for each (tag, multiple)."""

    def reject(self, tag: int, *, requeue: bool) -> None:
        """basic.reject."""

    def nack(self, tag: int, *, multiple: bool, requeue: bool) -> None:
        """basic.nack."""


class Settlement:
    """What is settled and what is not on one channel."""

    __slots__ = ("_channel", "_clock", "_enough", "_flush_soon", "_watermark", "last_settled", "lost")

    def __init__(self, channel: AckingChannel, prefetch: int, clock: Clock) -> None:
        self._channel = channel
        self._watermark = Watermark(prefetch)
        self._enough = max(1, (prefetch or NO_PREFETCH) // 4)
        self._clock = clock
        self._flush_soon: Timer | None = None
        self.lost = False
        """The channel is gone. Read by worker threads too."""
        self.last_settled = clock.seconds()

    @property
    def unacknowledged(self) -> int:
        """Deliveries that the broker holds for us, and for which it sends no others."""
        return 0 if self.lost else self._watermark.unsettled

    @property
    def waiting_since(self) -> float | None:
        """When something was settled last, while deliveries are not; None where all are."""
        return self.last_settled if not self.lost and self._watermark.in_hand else None

    def delivered(self, batch: Sequence[Delivery]) -> None:
        """The channel brought these."""
        if not self._watermark.in_hand:
            self.last_settled = self._clock.seconds()  # the wait begins now
        self._watermark.delivered_range(batch[0].tag, batch[-1].tag)

    def done(self, tag: int) -> None:
        """It may be acked."""
        if not self.lost:
            self._watermark.finished(tag)
            self._ack_soon()

    def done_many(self, tags: Sequence[int]) -> None:
        """All of them may be acked."""
        if not self.lost:
            self._watermark.finished_many(tags)
            self._ack_soon()

    def reject(self, tag: int) -> None:
        """The broker shall do with it what its queue says: its own dead-letter exchange, or nothing."""
        if not self.lost:
            self._watermark.settled_singly(tag)
            self.last_settled = self._clock.seconds()
            self._channel.reject(tag, requeue=False)
            self._ack_what_it_held_up()

    def give_back(self, tag: int) -> None:
        """Somebody else shall have it; nack, because RabbitMQ 4.3 counts reject as a failed delivery."""
        if not self.lost:
            self._watermark.settled_singly(tag)
            self._channel.nack(tag, multiple=False, requeue=True)
            self._ack_what_it_held_up()

    def flush(self) -> None:
        """Ack what may be acked."""
        self._cancel_flush()
        if not self.lost:
            self.last_settled = self._clock.seconds()
            self._ack(self._watermark.flush())

    def flush_all(self) -> None:
        """Ack everything that is finished, gaps or not: the channel is about to be closed."""
        self._cancel_flush()
        if not self.lost:
            self._ack(self._watermark.flush_all())

    def lose(self) -> None:
        """The channel is gone."""
        self.lost = True
        self._cancel_flush()

    def _ack(self, acks: list[tuple[int, bool]]) -> None:
        if acks:
            self._channel.ack_all(acks)

    def _ack_what_it_held_up(self) -> None:
        """Those finished above it need not wait for the next event to end."""
        if self._watermark.ackable:
            self._ack_soon()

    def _ack_soon(self) -> None:
        """At once where a quarter of the prefetch waits for it: the broker is never kept waiting."""
        if self._watermark.ackable >= self._enough:
            self.flush()
        elif self._flush_soon is None:
            self._flush_soon = self._clock.callLater(HOLD, self.flush)

    def _cancel_flush(self) -> None:
        if self._flush_soon is not None and self._flush_soon.active():
            self._flush_soon.cancel()
        self._flush_soon = None
