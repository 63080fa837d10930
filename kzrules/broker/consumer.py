"""One subscription on one zone: its queue is consumed, its deliveries go to the workers, come back, end.

Made by the service, which tells it of each new session of the zone. Whatever ends the consuming
(a cancel, a closed channel, a deleted queue, a refused declaration), it declares and consumes
again with growing pauses: this subscription alone, the others do not notice.
"""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker import failure
from kzrules.broker.channel import Channel
from kzrules.broker.clock import Clock, Timer
from kzrules.broker.copies import Copies, Send, declared_on
from kzrules.broker.counters import Counters, Health
from kzrules.broker.endings import Endings, Then
from kzrules.broker.inhand import Book, InHand
from kzrules.broker.keeping import Keeping
from kzrules.broker.lanes import Lanes
from kzrules.broker.pauses import Pauses
from kzrules.broker.perform import Answers, Outside, Perform
from kzrules.broker.running import Running
from kzrules.broker.session import Session
from kzrules.broker.settle import Settlement
from kzrules.broker.workers import Work, Workers
from kzrules.errors import BrokerError, BrokerGone
from kzrules.language.program import QueueSpec, SubscriptionSpec
from kzrules.message.delivery import Delivery, Source

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
STEADY = 10.0
"""Seconds of consuming after which the next trouble is a new one, and pauses begin short again."""
AT_A_TIME = 64
"""Deliveries that one worker gets in one piece."""
LONGEST_EVENT = 60.0  # seconds that the rules let an event wait in all

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
        declare: Callable[[Channel], Awaitable[str]],
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`send` publishes a copy in this zone; `declare` gives the queue's name; `book` the rules of now."""
        self.spec, self.zone = spec, zone
        self.counters = Counters()
        self._clock = clock
        self._workers = workers
        self._book = book
        self._declare = declare
        self._comes_again = failure.redelivers(spec.queue)
        self._keyed = spec.ordered or spec.dedupe is not None
        lanes: Lanes[InHand] | None = Lanes(spec.dedupe, clock.seconds) if self._keyed else None
        self._copies = Copies(self._declare_ours, send, clock)
        self._endings = Endings(
            spec,
            zone,
            self._copies,
            lanes,
            clock=clock,
            counters=self.counters,
            then=Then(self._over, self._run, self._redo),
            wall=wall,
        )
        self._running = Running(
            lanes,
            self._run,
            ordered=spec.ordered,
            deduped=spec.dedupe is not None,
            redelivers=self._comes_again and not spec.immediate,
            wall=wall,
        )
        self._perform = Perform(outside, self._endings, self.counters, self._go_on, clock)
        self._share = spec.prefetch or 1_000
        self._patience = 2 * LONGEST_EVENT + failure.longest_hold(spec)
        self._backlog: deque[tuple[Settlement, list[Delivery]]] = deque()
        self._in_hand = 0
        self._paused = False
        self._hand_over_soon: Timer | None = None
        self._session: Session | None = None
        self._consuming: _Consuming | None = None
        self._known_queue: str | None = None
        self._open_again: Timer | None = None
        self._keeping = Keeping(spec.name, declare, self._copies.renew, clock)
        self._opening = False
        self._pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE, jitter)
        self._not_before = 0.0
        self._trouble: str | None = "no broker is connected"
        self._last_event: float | None = None
        self._stopped: Deferred[None] | None = None
        self._idle: Deferred[None] | None = None
        self._closed = False

    # What the service calls.

    def use(self, session: Session) -> None:
        """The zone is connected: consume there."""
        self._session = session
        self._copies.forget()
        session.on_lost(partial(self._session_lost, session))
        if session is self._session:
            self._open_after(max(0.0, self._not_before - self._clock.seconds()))

    def pause(self) -> None:
        """The outbox is full: hand nothing more to the workers; the prefetch bounds what comes."""
        self._paused = True

    def resume(self) -> None:
        """There is room again."""
        self._paused = False
        self._hand_over()

    def stop(self) -> "Deferred[None]":
        """Stop consuming, let what is in hand finish, settle it, close. Fires when that is done."""
        if self._stopped is None:
            self._stopped = Deferred()
            Deferred.fromCoroutine(self._leave()).addErrback(self._broke)
        return self._stopped

    def abandon(self) -> None:
        """The time for stopping is over: what is not settled is the broker's to deliver again."""
        self._closed = True
        self._endings.close()
        self._cancel_timers()
        if self._consuming is not None:
            self._consuming.settlement.flush_all()
            self._consuming.settlement.lose()
        self._no_more_in_hand()

    @property
    def in_hand(self) -> int:
        """Deliveries with the workers, waiting for answers or confirms, or held for a retry."""
        return self._in_hand

    @property
    def waiting(self) -> int:
        """Rules that wait for an answer."""
        return self._perform.waiting

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
            self._in_hand,
            self._last_event,
            since is None or self._clock.seconds() - since < self._patience,
            self._paused,
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
        channel = await session.open_channel(prefetch=self.spec.prefetch)
        settlement = Settlement(channel, self.spec.prefetch, self._clock)
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
        """The broker ended the consumer; the queue is gone, or has moved. Begin anew on a new channel."""
        self._known_queue = None
        _log.warn("{name}: the broker cancelled the consumer", name=self.spec.name)
        Deferred.fromCoroutine(self._quietly(channel.close())).addErrback(self._broke)

    def _channel_lost(self, settlement: Settlement, error: BrokerError) -> None:
        settlement.lose()
        self._endings.channel_lost()
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

    def _declare_ours(self, queue: QueueSpec) -> "Deferred[None]":
        if self._session is None:
            raise BrokerGone(f"zone {self.zone} is not connected")
        return declared_on(self._session, queue)

    # Deliveries, to the workers and back.

    def _deliveries(self, settlement: Settlement, batch: list[Delivery]) -> None:
        if self._stopped is not None and self._consuming is None:
            return  # stopped while it was opening
        self.counters.received += len(batch)
        self.counters.redelivered += sum(delivery.redelivered for delivery in batch)
        self._last_event = self._clock.seconds()
        settlement.delivered(batch)
        self._backlog.append((settlement, batch))
        self._hand_over()

    def _hand_over(self) -> None:
        self._hand_over_soon = None
        while self._backlog and not self._paused and not self._closed:
            room = self._share - self._in_hand if self.spec.immediate else AT_A_TIME
            if room <= 0:
                return
            settlement, batch = self._backlog.popleft()
            if len(batch) > min(room, AT_A_TIME):
                room = min(room, AT_A_TIME)
                self._backlog.appendleft((settlement, batch[room:]))
                batch = batch[:room]
            if settlement.lost and self._comes_again:
                self.counters.late += len(batch)
            else:
                self._hand_over_batch(settlement, batch)

    def _hand_over_batch(self, settlement: Settlement, batch: list[Delivery]) -> None:
        self._in_hand += len(batch)
        if self.spec.immediate:
            settlement.done_many(batch)
        self._submit(self._running.work(settlement, self._book(), batch))

    def _submit(self, work: Work) -> None:
        if not self._closed:
            self._workers.submit(work, self._take)

    def _take(self, results: list[object]) -> None:
        if not self._closed:
            self._perform.take(results)  # type: ignore[arg-type]  # what `running` gives comes back here

    def _run(self, items: list[InHand]) -> None:
        for start in range(0, len(items), AT_A_TIME):
            self._submit(partial(self._running.events, items[start : start + AT_A_TIME]))

    def _redo(self, item: InHand) -> None:
        item.begin_again(self._book())
        self._run([item])

    def _go_on(self, answers: Answers) -> None:
        self._submit(partial(self._running.answered, answers))

    def _over(self) -> None:
        self._in_hand -= 1
        if not self._in_hand and self._idle is not None:
            self._no_more_in_hand()
        elif self._backlog and self._hand_over_soon is None and not self._closed:
            self._hand_over_soon = self._clock.callLater(0, self._hand_over)

    # Ending.

    async def _leave(self) -> None:
        self._cancel_timers()
        consuming = self._consuming
        if consuming is not None:
            await self._quietly(consuming.channel.cancel(consuming.tag))
        self._give_backlog_back()
        self._endings.drain()
        if self._in_hand and not self._closed:
            self._idle = Deferred()
            await self._idle
        if consuming is not None and not consuming.settlement.lost:
            consuming.settlement.flush_all()
            await self._quietly(consuming.channel.close())
        self._cancel_timers()
        if self._stopped is not None:
            self._stopped.callback(None)

    def _give_backlog_back(self) -> None:
        while self._backlog:
            settlement, batch = self._backlog.popleft()
            for delivery in batch:
                settlement.give_back(delivery.tag)
            if settlement.lost:
                self.counters.late += len(batch)
            else:
                self.counters.returned += len(batch)

    def _no_more_in_hand(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.callback(None)

    def _cancel_timers(self) -> None:
        self._keeping.end()
        for timer in (self._open_again, self._hand_over_soon):
            if timer is not None and timer.active():
                timer.cancel()
        self._open_again = self._hand_over_soon = None

    async def _quietly(self, asked: Awaitable[None]) -> None:
        """The channel, or its connection, may be gone already: which is what is wanted."""
        try:
            await asked
        except BrokerError as error:
            _log.debug("{name}: closing: {why}", name=self.spec.name, why=str(error))

    def _broke(self, failed: Failure) -> None:
        _log.failure("{name}: a fault of kzrules, please report it", failed, name=self.spec.name)
