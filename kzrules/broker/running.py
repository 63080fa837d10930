"""What happens on a worker thread: deliveries become events, events become steps.

Called by the consumer through `workers`. Each function here is a piece of work: it gives pairs of
an event in hand and what came of it, which the consumer performs on the reactor thread.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from twisted.python.failure import Failure

from kzrules.broker.inhand import Book, InHand
from kzrules.broker.lanes import Lanes, Next
from kzrules.broker.settle import Settlement
from kzrules.broker.workers import Work
from kzrules.errors import RuleFailure
from kzrules.message.action import Answer
from kzrules.message.delivery import Delivery
from kzrules.message.event import Event
from kzrules.message.outcome import Ack, Cause, Reject
from kzrules.routing.decide import Ended, Step


class Passed(Enum):
    """No step: the rule did not run."""

    DUPLICATE = "a copy of an event that ended here"
    ABANDONED = "its channel was lost before it began, and the broker delivers it again"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in kzrules itself failed over this event; the traceback goes to the log."""

    failure: Failure


T = TypeVar("T")
Result = tuple[InHand, Step | Passed | Fault]
Batch = tuple[Settlement, Book, Sequence[Delivery]]
RunSoon = Callable[[list[InHand]], None]


class Running:
    """Runs the events of one subscription, in lanes where order or duplicates matter.

    `redelivers`: a lost channel's deliveries come again, so that those not begun need not be.
    `run_soon` gives events to whichever worker is free; it is called from worker threads.
    """

    def __init__(
        self,
        lanes: Lanes[InHand] | None,
        run_soon: RunSoon,
        *,
        ordered: bool = False,
        deduped: bool = False,
        redelivers: bool = True,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._lanes = lanes
        self._run_soon = run_soon
        self._ordered = ordered
        self._deduped = deduped
        self._redelivers = redelivers
        self._wall = wall
        self._lock = Lock()
        self._unfiled: deque[Batch] = deque()
        self._filing = False

    def work(self, settlement: Settlement, book: Book, batch: Sequence[Delivery]) -> Work:
        """What a worker does with a batch; called on the reactor thread, in the order of arrival."""
        if self._lanes is None:
            return partial(self.deliveries, settlement, book, batch)
        with self._lock:
            self._unfiled.append((settlement, book, batch))
        return self.filed

    def deliveries(self, settlement: Settlement, book: Book, batch: Sequence[Delivery]) -> Iterator[Result]:
        """Where neither order nor duplicates matter: run each."""
        decode, run, wall, redelivers = book.decode, book.run, self._wall, self._redelivers
        for delivery in batch:
            item = InHand(delivery, settlement, book)
            if settlement.lost and redelivers:
                yield item, Passed.ABANDONED
                continue
            now = wall()
            try:
                event = decode(delivery, now)
                if isinstance(event, Event):
                    item.event = event
                    came: Step | Fault = run(event, now)
                else:
                    came = _rejected(event)
            except BaseException:  # noqa: BLE001  as in `_guarded`
                came = Fault(Failure())  # type: ignore[no-untyped-call]  # Twisted's
            yield item, came

    def filed(self) -> Iterator[Result]:
        """File what was added, one worker at a time, or two batches would overtake each other."""
        batch = self._take_batch(filing=False)
        while batch is not None:
            yield from self._file(batch)
            batch = self._take_batch(filing=True)

    def events(self, items: Sequence[InHand]) -> Iterator[Result]:
        """Events whose turn it is; each is followed by the next of its lane where nothing holds it up."""
        for first in items:
            item: InHand | None = first
            while item is not None:
                came = self._run(item)
                follows = self._next_of_lane(item, came)
                yield item, came
                item = None
                if follows is not None:
                    yield from _passed(follows.duplicates)
                    item = follows.run[0] if follows.run else None
                    self._run_soon(follows.run[1:])

    def answered(
        self, answers: Sequence[tuple[InHand, Callable[[Answer, float], Step], Answer]]
    ) -> Iterator[Result]:
        """Rules that waited go on."""
        for item, resume, answer in answers:
            yield item, self._guarded(resume, answer, self._wall())

    @property
    def _in_lanes(self) -> Lanes[InHand]:
        if self._lanes is None:
            raise RuntimeError("this subscription has no lanes")
        return self._lanes

    def _take_batch(self, *, filing: bool) -> Batch | None:
        """The next batch; None where there is none, or where another worker is filing."""
        with self._lock:
            if self._filing and not filing:
                return None
            self._filing = bool(self._unfiled)
            return self._unfiled.popleft() if self._unfiled else None

    def _file(self, batch: Batch) -> Iterator[Result]:
        settlement, book, deliveries = batch
        readable: list[InHand] = []
        for delivery in deliveries:
            item = InHand(delivery, settlement, book)
            refused = self._guarded(self._read, item)
            if refused is None:
                item.filed = True
                readable.append(item)
            else:
                yield item, refused
        follows = self._in_lanes.admit(readable)
        yield from _passed(follows.duplicates)
        self._run_soon(follows.run)

    def _read(self, item: InHand) -> Ended | None:
        """Decode it and find its keys; the step that ends it where that cannot be done."""
        event = item.book.decode(item.delivery, self._wall())
        if isinstance(event, Reject):
            return _rejected(event)
        try:
            item.order_key = item.book.order_key(event) if self._ordered else None
            item.dedupe_key = item.book.dedupe_key(event) if self._deduped else None
        except RuleFailure as failure:
            return _rejected(Reject(str(failure), Cause.ERROR))
        item.event, item.exempt = event, event.exempt
        return None

    def _run(self, item: InHand) -> Step | Passed | Fault:
        if item.settlement.lost and self._redelivers:
            return Passed.ABANDONED
        return self._guarded(self._first_step, item)

    def _first_step(self, item: InHand) -> Step:
        event = item.event or item.book.decode(item.delivery, self._wall())
        if isinstance(event, Reject):
            return _rejected(event)
        item.event = event
        return item.book.run(event, self._wall())

    def _next_of_lane(self, item: InHand, came: Step | Passed | Fault) -> Next[InHand] | None:
        """What may run now that this event is through; None where only the reactor can tell."""
        if not item.filed:
            return None
        done = isinstance(came, Ended) and isinstance(came.outcome, Ack) and not came.actions
        if not done and came is not Passed.ABANDONED:
            return None
        item.filed = False
        return self._in_lanes.end(item, settled=done)

    def _guarded(self, call: Callable[..., T], *args: Any) -> T | Fault:
        try:
            return call(*args)
        except BaseException:  # noqa: BLE001  ours, or a panic of a library in Rust: the others of its batch go on
            return Fault(Failure())  # type: ignore[no-untyped-call]  # Twisted's


def _rejected(reject: Reject) -> Ended:
    return Ended(reject, (), (), None)


def _passed(copies: Sequence[InHand]) -> Iterator[Result]:
    for copy in copies:
        copy.filed = False
        yield copy, Passed.DUPLICATE
