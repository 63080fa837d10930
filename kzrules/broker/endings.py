"""How events end: acked, tried again, or given up, as the subscription's failure policy says.

Called by `perform` when everything that an event caused is confirmed (or could not be), on the
reactor thread. A delivery is settled when its end is safe, and exactly once. What cannot be made
safe now, because no broker confirms it, is tried again until it can, or until its channel is lost
and the broker delivers it again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker import failure
from kzrules.broker.copies import Copies
from kzrules.broker.counters import Counters
from kzrules.broker.inhand import InHand
from kzrules.broker.lanes import Lanes
from kzrules.clock import Clock, Timer
from kzrules.errors import KzError
from kzrules.language.program import QueueSpec, SubscriptionSpec
from kzrules.message.outcome import Ack, Cause, Outcome, Reject, Retry
from kzrules.notices import Notices
from kzrules.wire import retries

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts to have a retry or a dead letter confirmed."""


@dataclass(frozen=True, slots=True)
class Then:
    """Where `endings` hands on."""

    over: Callable[[int], None]
    """So many events left our hand."""
    run: Callable[[list[InHand]], None]
    """Their turn has come."""
    redo: Callable[[InHand], None]
    """Its next attempt is due."""


class Endings:
    """The ends of one subscription's events on one zone."""

    log = Logger()

    def __init__(
        self,
        spec: SubscriptionSpec,
        zone: str,
        copies: Copies,
        lanes: Lanes[InHand] | None,
        *,
        clock: Clock,
        counters: Counters,
        then: Then,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._spec = spec
        self._zone = zone
        self._clock = clock
        self._copies = copies
        self._lanes = lanes
        self._count = counters
        self._then = then
        self._wall = wall
        self._notices = Notices(clock, self.log)
        self._in_hand_retries = failure.holds_in_hand(spec)
        self._redelivers = failure.redelivers(spec.queue) and not spec.immediate
        self._held: dict[InHand, Timer] = {}  # oldest first
        self._stuck: dict[InHand, Timer] = {}  # their copy waits to be sent again
        self._ending = False

    @property
    def held(self) -> int:
        """Events that wait in our hand for their next attempt."""
        return len(self._held)

    def end(self, item: InHand, outcome: Outcome) -> None:
        """The event is decided, and all that it caused is confirmed or cannot be."""
        if isinstance(outcome, Ack) and item.trouble is not None:
            outcome = Retry(f"not everything that it publishes got through: {item.trouble}")
        if isinstance(outcome, Ack):
            self._acknowledge(item, outcome)
        elif self._spec.immediate:
            self._too_late(item, outcome)
        elif item.settlement.lost and self._redelivers:
            self.abandon(item)
        elif isinstance(outcome, Retry):
            self._retry(item, outcome)
        else:
            self._give_up(item, outcome)

    def done(self, items: list[InHand]) -> None:
        """Rules took these and asked for nothing: the many, ended together."""
        settlement = items[0].settlement
        if any(item.filed or item.settlement is not settlement for item in items):
            for item in items:
                self._acked(item)
            return
        if settlement.lost and not self._spec.immediate:
            self._count.late += len(items)
        else:
            self._count.acknowledged += len(items)
        if not self._spec.immediate:
            settlement.done_many([item.delivery.tag for item in items])
        self._then.over(len(items))

    def duplicate(self, item: InHand) -> None:
        """A copy of an event that ended here: done with, whatever is in it."""
        self._count.duplicates += 1
        self._acked(item)

    def abandon(self, item: InHand) -> None:
        """Its channel is lost and it is not done: the broker delivers it again."""
        self._count.late += 1
        self._over(item, settled=False)

    def look_at_held(self) -> None:
        """Held events may take half the prefetch; beyond that the oldest is given up."""
        limit = max(1, (self._spec.prefetch or 500) // 2)
        while self._spec.ordered and self._lanes is not None and self._lanes.held > limit and self._held:
            item = next(iter(self._held))
            self._release(item)
            why = f"more than {limit} events wait for retries; this one had waited longest"
            self._give_up(item, Reject(why, Cause.RETRIES))

    def channel_lost(self) -> None:
        """What is held for a lost channel need not be: the broker delivers it again."""
        if self._redelivers:
            for item in [item for item in (*self._held, *self._stuck) if item.settlement.lost]:
                self._release(item)
                self.abandon(item)

    def drain(self) -> None:
        """Nothing waits for another attempt any more: it goes back, or to where events are given up."""
        self._ending = True
        for item in list(self._held):
            self._release(item)
            self._leave(item, "kzrules ended while it waited for its next attempt")

    def close(self) -> None:
        """The limit is over: no timers of ours are left."""
        self._ending = True
        for item in [*self._held, *self._stuck]:
            self._release(item)

    # Done.

    def _acknowledge(self, item: InHand, ack: Ack) -> None:
        if ack.unmatched:
            self._count.unmatched += 1
            subject = ack.why or item.delivery.routing_key
            self._notices.info(
                ("unmatched", subject),
                f"{self._spec.name}: no route takes {subject!r}; settled as done",
                often=1,
            )
        self._acked(item)

    def _acked(self, item: InHand) -> None:
        if item.settlement.lost and not self._spec.immediate:
            self._count.late += 1
        else:
            self._count.acknowledged += 1
        if not self._spec.immediate:
            item.settlement.done(item.delivery.tag)
        self._over(item, settled=True)

    def _too_late(self, item: InHand, outcome: Retry | Reject) -> None:
        """`ack: immediate`: the delivery is gone; all that is left is to say so."""
        self._tally(
            item, outcome if isinstance(outcome, Reject) else Reject(outcome.why, Cause.RULE, outcome.place)
        )
        self._say(item, outcome, "acknowledged already")
        self._over(item, settled=True)

    # Again.

    def _retry(self, item: InHand, retry: Retry) -> None:
        match failure.next_attempt(self._spec.on_failure, item.attempt, retry):
            case Reject() as reject:
                self._give_up(item, reject)
            case failure.Again(delay, attempt):
                then = f"attempt {attempt} in {delay:g} s"
                self._notices.info(
                    ("retry", retry.place),
                    self._sentence(item, retry, then),
                    fields=self._fields(item, retry),
                )
                if self._in_hand_retries:
                    self._hold(item, delay)
                else:
                    self._delay(item, delay, attempt)

    def _hold(self, item: InHand, delay: float) -> None:
        if self._ending:
            self._leave(item, "kzrules is ending")
            return
        self._count.held += 1
        self._held[item] = self._clock.callLater(delay, self._again, item)
        if self._lanes is not None and item.filed:
            self._lanes.hold(item)
            self.look_at_held()

    def _again(self, item: InHand) -> None:
        self._release(item)
        self._then.redo(item)

    def _release(self, item: InHand) -> None:
        for waiting in (self._held, self._stuck):
            timer = waiting.pop(item, None)
            if timer is not None and timer.active():
                timer.cancel()
        if self._lanes is not None and item.filed:
            self._lanes.resume(item)

    def _leave(self, item: InHand, why: str) -> None:
        """We end: back to the queue with it and all that waits behind it; or given up with the queue."""
        if not self._redelivers:
            self._give_up(item, Reject(why, Cause.RETRIES))
            return
        behind = self._lanes.leave(item) if self._lanes is not None and item.filed else []
        for left in (item, *behind):
            left.filed = False
            left.settlement.give_back(left.delivery.tag)
            self._count.returned += 1
            self._then.over(1)

    def _delay(self, item: InHand, delay: float, attempt: int) -> None:
        queue = item.delivery.source.queue
        copy = retries.retried(item.delivery, attempt, item.random_id)

        def confirmed() -> None:
            self._count.retried += 1
            item.settlement.done(item.delivery.tag)
            self._over(item, settled=False)

        self._send(item, failure.delay_queue(queue, delay), copy.properties, confirmed)

    # Never.

    def _give_up(self, item: InHand, reject: Reject) -> None:
        policy = self._spec.on_failure
        last = policy.last
        if last == "dead_letter":
            queue = failure.dead_letter_queue(policy, item.delivery.source.queue)
            self._say(item, reject, f"dead-lettered to {queue.name}")
            self._bury(item, reject, queue)
            return
        self._say(item, reject, "dropped" if last == "drop" else "rejected to the broker")
        self._tally(item, reject)
        if last == "drop":
            self._count.dropped += 1
            item.settlement.done(item.delivery.tag)
        else:
            item.settlement.reject(item.delivery.tag)
        self._over(item, settled=True)

    def _bury(self, item: InHand, reject: Reject, queue: QueueSpec) -> None:
        death = failure.death(
            self._spec,
            reject,
            queue=item.delivery.source.queue,
            zone=self._zone,
            attempts=item.attempt,
            now=self._wall(),
        )

        def confirmed() -> None:
            self._tally(item, reject)
            self._count.dead_lettered += 1
            item.settlement.done(item.delivery.tag)
            self._over(item, settled=True)

        self._send(item, queue, retries.dead(item.delivery, death, item.random_id), confirmed)

    def _tally(self, item: InHand, reject: Reject) -> None:
        if item.settlement.lost and self._redelivers:
            self._count.late += 1
        else:
            self._count.rejected += 1
        self._count.failed += reject.cause is Cause.ERROR
        self._count.unreadable += reject.cause is Cause.PAYLOAD

    # Copies, until they are confirmed.

    def _send(
        self,
        item: InHand,
        queue: QueueSpec,
        properties: bytes,
        confirmed: Callable[[], None],
        pause: float = FIRST_PAUSE,
    ) -> None:
        def refused(failed: Failure) -> None:
            if item.settlement.lost and self._redelivers:
                self.abandon(item)
                return
            self._count.delayed_ends += 1
            if not isinstance(failed.value, KzError):
                self.log.failure("sending a copy to {queue} failed", failed, queue=queue.name)
            why = failed.getErrorMessage()
            self._notices.error(
                ("copy", queue.name),
                f"{self._spec.name}: a message for {queue.name} is not confirmed, so its delivery stays"
                f" unacknowledged and it is sent again: {why}",
            )
            again = min(2 * pause, LONGEST_PAUSE)
            self._stuck[item] = self._clock.callLater(pause, resend, again)

        def resend(again: float) -> None:
            self._stuck.pop(item, None)
            self._send(item, queue, properties, confirmed, again)

        sent = self._copies.send(queue, item.delivery.body, properties)
        sent.addCallbacks(lambda _: confirmed(), refused)
        sent.addErrback(self._broke)

    # Out of our hand.

    def _over(self, item: InHand, *, settled: bool) -> None:
        self._then.over(1)
        if self._lanes is None or not item.filed:
            return
        item.filed = False
        follows = self._lanes.end(item, settled=settled)
        for copy in follows.duplicates:
            copy.filed = False
            self.duplicate(copy)
        if follows.run:
            self._then.run(follows.run)

    def _say(self, item: InHand, outcome: Retry | Reject, then: str) -> None:
        cause = outcome.cause if isinstance(outcome, Reject) else "retry"
        text = self._sentence(item, outcome, then)
        say = self._notices.error if cause is Cause.ERROR else self._notices.warn
        say((cause, outcome.place), text, fields=self._fields(item, outcome))

    def _fields(self, item: InHand, outcome: Retry | Reject) -> dict[str, object]:
        """What a failure's line holds besides its text, under the names of docs/operations.md."""
        return {
            "event": "failure",
            "subscription": self._spec.name,
            "route": item.route,
            "place": str(outcome.place) if outcome.place else None,
            "cause": str(outcome.cause) if isinstance(outcome, Reject) else "retry",
            "reason": outcome.why,
            "routing_key": item.delivery.routing_key if item.event is None else item.event.routing_key,
            "msg_id": item.event.received.get("Msg-ID") if item.event is not None else None,
            "attempt": item.attempt,
        }

    def _sentence(self, item: InHand, outcome: Retry | Reject, then: str) -> str:
        where = f" at {outcome.place}" if outcome.place else ""
        route = f" in event_route[{item.route}]" if item.route else ""
        key = item.delivery.routing_key if item.event is None else item.event.routing_key
        known = item.event.received.get("Msg-ID") if item.event is not None else None
        known_as = f" (Msg-ID {known})" if known else ""
        return f"{self._spec.name}: event by key {key!r}{known_as}{route}{where}: {outcome.why}; {then}"

    def _broke(self, failed: Failure) -> None:
        self.log.failure("ending an event failed: a fault of kzrules, please report it", failed)
