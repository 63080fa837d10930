"""One subscription on one zone: its queue is consumed, its deliveries go to workers, come back, end.

Made by the service, which tells it of each new session of the zone. Whatever ends the consuming
(a cancel, a closed channel, a deleted queue, a refused declaration), it declares and consumes
again with growing pauses: this subscription alone, the others do not notice.
"""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker import failure
from kzrules.broker.channel import Channel
from kzrules.broker.copies import Copies, Send, declared_on
from kzrules.broker.counters import Counters, Health
from kzrules.broker.course import Means
from kzrules.broker.inhand import Book
from kzrules.broker.intake import Intake
from kzrules.broker.keeping import Keeping
from kzrules.broker.pauses import Pauses
from kzrules.broker.perform import Outside
from kzrules.broker.session import Session
from kzrules.broker.settle import Settlement
from kzrules.broker.topology import bind
from kzrules.broker.workers import Workers
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerError, BrokerGone
from kzrules.language.program import QueueSpec, SubscriptionSpec
from kzrules.message.delivery import Delivery, Source

Declare = Callable[[Channel], Awaitable[str]]
"""Declares what a subscription consumes from; the queue's name."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
SETTLED_EVERY = 0.1
"""Seconds between looks whether a channel that is left has nothing unsettled."""
STEADY = 10.0
"""Seconds of consuming after which the next trouble is a new one, and pauses begin short again."""

_log = Logger()


@dataclass(slots=True)
class _Consuming:
    """A channel on which we consume."""

    channel: Channel
    settlement: Settlement
    queue: str
    tag: str
    since: float


class Consumer:
    """Consumes one subscription's queue on one zone, until it is stopped."""

    def __init__(
        self,
        spec: SubscriptionSpec,
        zone: str,
        *,
        clock: Clock,
        workers: Workers,
        book: Callable[[], Book],
        outside: Outside,
        send: Send,
        declare: Declare,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`send` publishes a copy in this zone; `declare` gives the queue's name; `book` the rules of now."""
        self.spec, self.zone = spec, zone
        self.counters = Counters()
        self._clock = clock
        self._book = book
        self._declare = declare
        self._comes_again = failure.redelivers(spec.queue)
        self._copies = Copies(self._declare_ours, send, clock)
        rules = lambda: self._book()  # noqa: E731, PLW0108  a reload puts another book there
        means = Means(zone, clock, workers, rules, outside, self._copies, self.counters, wall)
        self._intake = Intake(spec, means)
        self._leaving: list[_Consuming] = []  # with another prefetch, until all is settled there
        self._session: Session | None = None
        self._consuming: _Consuming | None = None
        self._known_queue: str | None = None
        self._open_again: Timer | None = None
        self._keeping = Keeping(
            spec.name,
            declare=lambda channel: self._declare(channel),  # noqa: PLW0108  as above
            bind=self._bound,
            renew=self._copies.renew,
            unheard=self._unheard,
            clock=clock,
        )
        self._opening = False
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE, jitter)
        self._not_before = 0.0
        self._trouble: str | None = "no broker is connected"
        self._last_event: float | None = None
        self._stopped: Deferred[None] | None = None
        self._closed = False

    # What the service calls.

    def use(self, session: Session) -> None:
        """The zone is connected: consume there."""
        for consuming in self._channels:  # where it went back to this broker, the one before still listens
            consuming.settlement.flush()
        self._session = session
        self._copies.forget()
        session.on_lost(partial(self._session_lost, session))
        if session is self._session:
            self._open_after(max(0.0, self._not_before - self._clock.seconds()))

    def pause(self) -> None:
        """The outbox is full: hand nothing more to the workers; the prefetch bounds what comes."""
        self._intake.pause()

    def resume(self) -> None:
        """There is room again."""
        self._intake.resume()

    def become(self, spec: SubscriptionSpec, declare: Declare) -> None:
        """New settings for the same queue. What is in hand ends under those that it came with.

        Where order or duplicates matter, the new ones begin when the old ones' events are through.
        """
        before, self.spec, self._declare = self.spec, spec, declare
        if _handling(before) != _handling(spec):
            self._intake.become(spec)
        if before.prefetch != spec.prefetch and self._consuming is not None:
            self._consume_anew(self._consuming)

    def retire(self, book: Book) -> "Deferred[None]":
        """The rules have it no more: what came ends by these, which had it. Fires when that is done."""
        self._book = lambda: book
        return self.stop()

    def stop(self) -> "Deferred[None]":
        """Stop consuming, let what is in hand finish, settle it, close. Fires when that is done."""
        if self._stopped is None:
            self._stopped = Deferred()
            Deferred.fromCoroutine(self._leave()).addErrback(self._broke)
        return self._stopped

    def abandon(self) -> None:
        """The time for stopping is over: what is not settled is the broker's to deliver again."""
        self._closed = True
        self._cancel_timers()
        for consuming in self._channels:
            consuming.settlement.flush_all()
            consuming.settlement.lose()
        self._intake.abandon()
        self._has_stopped()  # what still waits for a broker that does not answer is of no interest

    @property
    def in_hand(self) -> int:
        """Deliveries with the workers, waiting for answers or confirms, or held for a retry."""
        return self._intake.in_hand

    @property
    def _channels(self) -> list[_Consuming]:
        return [*self._leaving, *([self._consuming] if self._consuming is not None else [])]

    @property
    def waiting(self) -> int:
        """Rules that wait for an answer."""
        return self._intake.waiting

    @property
    def health(self) -> Health:
        """How it is doing now."""
        consuming = self._consuming
        since = consuming.settlement.waiting_since if consuming else None
        return Health(
            self.spec.name,
            self.zone,
            consuming.queue if consuming else self._known_queue,
            consuming is not None,
            consuming.settlement.unacknowledged if consuming else 0,
            self.in_hand,
            self._last_event,
            since is None or self._clock.seconds() - since < self._intake.patience,
            self._intake.paused,
            None if consuming else self._trouble,
        )

    # Opening.

    def _open_after(self, delay: float) -> None:
        if self._open_again is not None and self._open_again.active():
            self._open_again.cancel()
        if self._stopped is None and not self._closed:
            self._open_again = self._clock.callLater(delay, self._open)

    def _open(self) -> None:
        session = self._session
        if session is None or self._opening or self._consuming is not None or self._stopped is not None:
            return
        self._opening = True
        opened = Deferred.fromCoroutine(self._opened(session))
        opened.addErrback(self._not_opened, session)
        opened.addErrback(self._broke)

    async def _opened(self, session: Session) -> None:
        prefetch = self.spec.prefetch
        channel = await session.open_channel(prefetch=prefetch)
        settlement = Settlement(channel, prefetch, self._clock)
        channel.on_closed(partial(self._channel_lost, settlement))
        queue = self._known_queue or await self._declare(channel)
        declared = self._known_queue is None
        source = Source(self.spec.name, queue, self.zone, session.server, channel.generation)
        tag = await channel.consume(
            queue, source, partial(self._deliveries, settlement), partial(self._cancelled, channel)
        )
        self._opening = False
        if self._stopped is not None:  # too late: what came goes back with the channel
            await self._quietly(channel.close())
            return
        self._trouble = None
        self._consuming = _Consuming(channel, settlement, queue, tag, self._clock.seconds())
        self._known_queue = queue if self._comes_again else None
        _log.info(
            "{name}: consuming {queue} from {broker}", name=self.spec.name, queue=queue, broker=session.name
        )
        if settlement.lost:  # lost while the broker's answer was on its way through here
            self._channel_lost(settlement, BrokerGone("the channel was closed"))
        elif self._comes_again:
            self._keeping.begin(session, at_once=not declared)
            if prefetch != self.spec.prefetch:  # the rules were loaded anew meanwhile
                self._consume_anew(self._consuming)

    def _not_opened(self, failed: Failure, session: Session) -> None:
        self._opening = False
        error = failed.value
        if not isinstance(error, BrokerError):
            _log.failure("{name}: consuming failed", failed, name=self.spec.name)
        code = getattr(error, "code", None)
        known, self._known_queue = self._known_queue, None
        if code == 404 and known is not None:  # it was there before: declare it, at once
            self._open_after(0)
            return
        pause = self._pauses.next()
        self._tell_trouble(
            f"{self.spec.name}: cannot consume in zone {self.zone}: {failed.getErrorMessage()}", pause
        )
        if code == 541:  # took the connection with it: do not do the same to the next one at once
            self._not_before = self._clock.seconds() + pause
        if session is self._session:
            self._open_after(pause)
        elif self._session is not None:
            self._open_after(0)

    def _tell_trouble(self, text: str, pause: float) -> None:
        if text != self._trouble:  # said once, not at every try
            _log.warn("{text}; trying again, next in {pause:.1f} s", text=text, pause=pause)
        self._trouble = text

    def _session_lost(self, session: Session, error: BrokerError) -> None:
        if session is self._session:
            self._session = None
            self._trouble = str(error)

    def _cancelled(self, channel: Channel) -> None:
        """The broker ended the consumer; the queue is gone, or has moved. Begin anew on a new channel.

        A queue that was deleted delivers nothing again: what it had sent us is worked off.
        """
        self._known_queue = None
        _log.warn("{name}: the broker cancelled the consumer", name=self.spec.name)
        consuming = self._consuming
        if consuming is not None and consuming.channel is channel and self._comes_again:
            self._let_go(consuming, "the broker cancelled the consumer", self._pauses.next())
        else:
            Deferred.fromCoroutine(self._quietly(channel.close())).addErrback(self._broke)

    def _unheard(self) -> None:
        """The queue was made again, and the broker cancelled nothing (3.10.8 does so under load)."""
        consuming = self._consuming
        if consuming is not None:
            _log.warn(
                "{name}: {queue} has no consumer, though the broker cancelled none: consuming again",
                name=self.spec.name,
                queue=consuming.queue,
            )
            self._known_queue = None
            self._let_go(consuming, "the queue has no consumer", 0)

    def _channel_lost(self, settlement: Settlement, error: BrokerError) -> None:
        settlement.lose()
        self._intake.channel_lost()
        consuming = self._consuming
        if consuming is None or consuming.settlement is not settlement:
            return
        self._consuming = None
        self._keeping.end()
        if self._clock.seconds() - consuming.since > STEADY:
            self._pauses.begin_anew()
        if self._session is not None and self._stopped is None and self._session.is_open:
            pause = self._pauses.next()
            self._tell_trouble(f"{self.spec.name}: the channel was closed: {error}", pause)
            self._open_after(pause)
        else:
            self._trouble = str(error)

    def _bound(self, channel: Channel) -> Awaitable[None]:
        return bind(channel, self.spec, self._known_queue or self.spec.queue.name)

    def _declare_ours(self, queue: QueueSpec) -> "Deferred[None]":
        if self._session is None:
            raise BrokerGone(f"zone {self.zone} is not connected")
        return declared_on(self._session, queue)

    def _consume_anew(self, consuming: _Consuming) -> None:
        """With another prefetch, which counts from the next `basic.consume` on."""
        if not self._comes_again:
            _log.info(
                "{name}: the new prefetch of {prefetch} counts from the next connection on, since this queue"
                " goes with its consumer",
                name=self.spec.name,
                prefetch=self.spec.prefetch,
            )
            return
        self._let_go(consuming, "it begins again with another prefetch", 0)

    def _let_go(self, consuming: _Consuming, why: str, pause: float) -> None:
        """Consume on another channel, after a pause; this one stays until all is settled that it brought."""
        self._consuming = None
        self._trouble = why
        self._keeping.end()
        self._leaving.append(consuming)
        Deferred.fromCoroutine(self._leave_channel(consuming, pause)).addErrback(self._broke)

    async def _leave_channel(self, consuming: _Consuming, again_after: float) -> None:
        await self._quietly(consuming.channel.cancel(consuming.tag))
        self._open_after(again_after)
        while consuming.settlement.unacknowledged and not self._closed and self._stopped is None:
            pause: Deferred[None] = Deferred()
            self._clock.callLater(SETTLED_EVERY, pause.callback, None)
            await pause
        if self._stopped is None:
            self._leaving.remove(consuming)
            await self._quietly(consuming.channel.close())

    # Deliveries, to the workers and back.

    def _deliveries(self, settlement: Settlement, batch: list[Delivery]) -> None:
        if self._stopped is not None and self._consuming is None:
            return  # stopped while it was opening
        self.counters.received += len(batch)
        self.counters.redelivered += sum(delivery.redelivered for delivery in batch)
        self._last_event = self._clock.seconds()
        settlement.delivered(batch)
        self._intake.came(settlement, batch)

    # Ending.

    async def _leave(self) -> None:
        self._cancel_timers()
        consuming = self._consuming
        if consuming is not None:
            await self._quietly(consuming.channel.cancel(consuming.tag))
        await self._intake.end()
        for consuming in self._channels:
            if not consuming.settlement.lost:
                consuming.settlement.flush_all()
                await self._quietly(consuming.channel.close())
        self._cancel_timers()
        self._has_stopped()

    def _has_stopped(self) -> None:
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)

    def _cancel_timers(self) -> None:
        self._keeping.end()
        if self._open_again is not None and self._open_again.active():
            self._open_again.cancel()

    async def _quietly(self, asked: Awaitable[None]) -> None:
        """The channel, or its connection, may be gone already: which is what is wanted."""
        try:
            await asked
        except BrokerError as error:
            _log.debug("{name}: closing: {why}", name=self.spec.name, why=str(error))

    def _broke(self, failed: Failure) -> None:
        _log.failure("{name}: a fault of kzrules, please report it", failed, name=self.spec.name)


def _handling(spec: SubscriptionSpec) -> object:
    """What of a subscription decides how its events are handled here; the rest is for rules and broker."""
    return spec.immediate, spec.prefetch, spec.ordered, spec.on_failure, spec.dedupe
