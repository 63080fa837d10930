"""The events of one consumer under one set of settings: to the workers, back, and out of our hand.

Made by the consumer. New settings of a subscription are a new course; the events of the old one
go on under the settings that they came with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from twisted.logger import Logger

from kzrules.broker import failure
from kzrules.broker.copies import Copies
from kzrules.broker.counters import Counters
from kzrules.broker.endings import Endings, Then
from kzrules.broker.inhand import Book, InHand
from kzrules.broker.lanes import Lanes
from kzrules.broker.perform import Answers, Outside, Perform
from kzrules.broker.running import Running
from kzrules.broker.settle import Settlement
from kzrules.broker.workers import Work, Workers
from kzrules.clock import Clock
from kzrules.language.program import SubscriptionSpec
from kzrules.message.delivery import Delivery

AT_A_TIME = 64
"""Deliveries that one worker gets in one piece."""
LONGEST_EVENT = 60.0  # seconds that the rules let an event wait in all

_log = Logger()


@dataclass(frozen=True, slots=True)
class Means:
    """What a course works with, whatever its settings: those of its consumer."""

    zone: str
    clock: Clock
    workers: Workers
    book: Callable[[], Book]
    """The rules of now."""
    outside: Outside
    copies: Copies
    counters: Counters
    wall: Callable[[], float]


class Course:
    """One set of settings and the events in hand under it. `over` is told of each that left our hand."""

    def __init__(
        self, spec: SubscriptionSpec, means: Means, over: Callable[[], None], before: "Course | None" = None
    ) -> None:
        """`before`: the course of the settings before these; what it knows of ended events goes on."""
        self.spec = spec
        self.in_hand = 0
        self.share = spec.prefetch or 1_000
        self.patience = 2 * LONGEST_EVENT + failure.longest_hold(spec)
        self._means = means
        self._tell_over = over
        self._closed = False
        self.lanes = self._lanes(before)
        self.endings = Endings(
            spec,
            means.zone,
            means.copies,
            self.lanes,
            clock=means.clock,
            counters=means.counters,
            then=Then(self._over, self._run, self._redo),
            wall=means.wall,
        )
        self.running = Running(
            self.lanes,
            self._run,
            ordered=spec.ordered,
            deduped=spec.dedupe is not None,
            redelivers=failure.redelivers(spec.queue) and not spec.immediate,
            wall=means.wall,
        )
        self.perform = Perform(means.outside, self.endings, means.counters, self._go_on, means.clock)

    def _lanes(self, before: "Course | None") -> Lanes[InHand] | None:
        if before is not None and before.lanes is not None and before.spec.dedupe == self.spec.dedupe:
            return before.lanes if self.spec.ordered or self.spec.dedupe is not None else None
        if self.spec.ordered or self.spec.dedupe is not None:
            return Lanes(self.spec.dedupe, self._means.clock.seconds)
        return None

    @property
    def keyed(self) -> bool:
        """Whether order or duplicates matter."""
        return self.lanes is not None

    def hand_over(self, settlement: Settlement, batch: list[Delivery]) -> None:
        """These go to the workers, with the rules of now."""
        self.in_hand += len(batch)
        if self.spec.immediate:
            settlement.done_many([delivery.tag for delivery in batch])
            settlement.flush()  # before the rule runs: what the broker has not heard of, it delivers again
        self._submit(self.running.work(settlement, self._means.book(), batch))

    def close(self) -> None:
        """The time for stopping is over: nothing more is run or performed."""
        self._closed = True
        self.endings.close()

    def _submit(self, work: Work) -> None:
        if not self._closed:
            self._means.workers.submit(work, self._take)

    def _take(self, results: list[object]) -> None:
        if not self._closed:
            self.perform.take(results)  # type: ignore[arg-type]  # what `running` gives comes back here

    def _run(self, items: list[InHand]) -> None:
        for start in range(0, len(items), AT_A_TIME):
            self._submit(partial(self.running.events, items[start : start + AT_A_TIME]))

    def _redo(self, item: InHand) -> None:
        item.begin_again(self._means.book())
        self._run([item])

    def _go_on(self, answers: Answers) -> None:
        self._submit(partial(self.running.answered, answers))

    def _over(self, many: int) -> None:
        self.in_hand -= many
        self._tell_over()
