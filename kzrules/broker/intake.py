"""What a channel brought, until it is out of our hand: it waits here for room, and goes to the workers.

Made by the consumer, which adds what comes. What waits is bounded by the prefetch.
"""

from collections import deque

from twisted.internet.defer import Deferred

from kzrules.broker import failure
from kzrules.broker.course import AT_A_TIME, Course, Means
from kzrules.broker.settle import Settlement
from kzrules.clock import Timer
from kzrules.language.program import SubscriptionSpec
from kzrules.message.delivery import Delivery


class Intake:
    """The deliveries of one consumer that are not settled, under the settings that each came with."""

    _soon: Timer | None = None

    def __init__(self, spec: SubscriptionSpec, means: Means) -> None:
        self._means = means
        self._comes_again = failure.redelivers(spec.queue)
        self._course = Course(spec, means, self._over)
        self._older: list[Course] = []  # of earlier settings, with events in hand
        self._backlog: deque[tuple[Settlement, list[Delivery]]] = deque()
        self._full = False
        self._closed = False
        self._idle: Deferred[None] | None = None

    @property
    def courses(self) -> list[Course]:
        """Those of earlier settings with events in hand, and the one of now."""
        return [*self._older, self._course]

    @property
    def in_hand(self) -> int:
        """Deliveries with the workers, waiting for answers or confirms, or held for a retry."""
        return sum(course.in_hand for course in self.courses)

    @property
    def waiting(self) -> int:
        """Rules that wait for an answer."""
        return sum(course.perform.waiting for course in self.courses)

    @property
    def patience(self) -> float:
        """The longest that any event may take, in seconds."""
        return max(course.patience for course in self.courses)

    @property
    def paused(self) -> bool:
        """Whether nothing is handed over now."""
        return self._full or self._held_up

    def came(self, settlement: Settlement, batch: list[Delivery]) -> None:
        """The channel brought these."""
        self._backlog.append((settlement, batch))
        self._hand_over()

    def pause(self) -> None:
        """The outbox is full: hand nothing more to the workers."""
        self._full = True

    def resume(self) -> None:
        """There is room again."""
        self._full = False
        self._hand_over()

    def become(self, spec: SubscriptionSpec) -> None:
        """Other settings: what is in hand ends under those that it came with.

        Where order or duplicates matter, the next events begin when those are through.
        """
        self._older.append(self._course)
        self._course = Course(spec, self._means, self._over, self._course)
        self._forget_older()
        self._hand_over()

    def channel_lost(self) -> None:
        """What is held for a lost channel need not be."""
        for course in self.courses:
            course.endings.channel_lost()

    def end(self) -> Deferred[None]:
        """Nothing new comes: finish what is in hand. What nobody has begun goes back to the queue;
        where the queue goes with us, it is done now. Fires when nothing is in hand.
        """
        self._cancel()
        while self._backlog:
            settlement, batch = self._backlog.popleft()
            if self._comes_again or self._closed:
                self._give_back(settlement, batch)
            else:
                self._course.hand_over(settlement, batch)
        for course in self.courses:
            course.endings.drain()
        idle = self._idle = Deferred()
        if self._closed or not self.in_hand:
            self._no_more_in_hand()
        return idle

    def abandon(self) -> None:
        """The time is over: nothing more is run or performed."""
        self._closed = True
        self._cancel()
        for course in self.courses:
            course.close()
        self._no_more_in_hand()

    @property
    def _held_up(self) -> bool:
        """Whether the events of earlier settings must be through before others begin."""
        return bool(self._older) and any(course.keyed for course in self.courses)

    def _hand_over(self) -> None:
        self._soon = None
        while self._backlog and not self.paused and not self._closed:
            course = self._course
            room = course.share - course.in_hand if course.spec.immediate else AT_A_TIME
            if room <= 0:
                return
            settlement, batch = self._backlog.popleft()
            if len(batch) > min(room, AT_A_TIME):
                room = min(room, AT_A_TIME)
                self._backlog.appendleft((settlement, batch[room:]))
                batch = batch[:room]
            if settlement.lost and self._comes_again:
                self._means.counters.late += len(batch)
            else:
                course.hand_over(settlement, batch)

    def _give_back(self, settlement: Settlement, batch: list[Delivery]) -> None:
        for delivery in batch:
            settlement.give_back(delivery.tag)
        if settlement.lost:
            self._means.counters.late += len(batch)
        else:
            self._means.counters.returned += len(batch)

    def _forget_older(self) -> None:
        self._older = [course for course in self._older if course.in_hand]

    def _over(self) -> None:
        if self._older:
            self._forget_older()
        if self._idle is not None and not self.in_hand:
            self._no_more_in_hand()
        elif self._backlog and self._soon is None and not self._closed:
            self._soon = self._means.clock.callLater(0, self._hand_over)

    def _no_more_in_hand(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.callback(None)

    def _cancel(self) -> None:
        if self._soon is not None and self._soon.active():
            self._soon.cancel()
        self._soon = None
