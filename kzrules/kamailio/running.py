"""What happens on a worker thread: what Kamailio sent becomes events, events become steps."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twisted.python.failure import Failure

from kzrules.kamailio.asked import InHand
from kzrules.message.action import Answer
from kzrules.routing.book import Book, asked
from kzrules.routing.decide import Step

Came = Step | Failure | None
"""A step; a fault of ours; or None: its time was over before it began."""
Result = tuple[InHand, Came]
Resume = tuple[InHand, Callable[[Answer, float], Step], Answer]


def first_steps(kamailio: str, book: Book, batch: Sequence[InHand]) -> Iterator[Result]:
    """Run the rule of each one that is still waited for."""
    for item in batch:
        yield item, None if item.over else _guarded(_first, kamailio, book, item)


def next_steps(answers: Sequence[Resume]) -> Iterator[Result]:
    """Rules that waited go on."""
    for item, resume, answer in answers:
        yield item, _guarded(resume, answer, time.time())


def _first(kamailio: str, book: Book, item: InHand) -> Step:
    sent = item.sent
    event = asked(kamailio, sent.name, sent.body, item.received_at, item.until)
    return book.run(event, time.time())


def _guarded(call: Callable[..., Step], *args: Any) -> Step | Failure:
    try:
        return call(*args)
    except Exception:  # noqa: BLE001  routing never raises for a rule; what does is ours
        return Failure()  # type: ignore[no-untyped-call]  # Twisted's
