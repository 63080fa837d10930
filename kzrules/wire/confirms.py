"""What was published and is not yet confirmed: the broker's sequence numbers meet our messages.

Called by the publisher for every message, and for every `basic.ack`, `basic.nack` and
`basic.return` that comes back. RabbitMQ returns an unroutable message before it confirms it,
and names it only by what it carries: a return is therefore noted by a mark that the publisher
can read again from a returned message (its `message_id`, or that with exchange and routing key
where a sender's own id need not be unique), and told when the confirm comes. Sequence numbers
count from 1 on every channel; one ledger belongs to one channel.
"""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker has it: routed to every queue, on disk where it is persistent."""


@dataclass(frozen=True, slots=True)
class Returned:
    """No queue took it; the broker's code and text say why (312 NO_ROUTE)."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Nacked:
    """The broker could not take it (a full queue that rejects publishes, an internal error)."""


Fate = Confirmed | Returned | Nacked
CONFIRMED = Confirmed()
NACKED = Nacked()


class Ledger(Generic[Message]):
    """The messages of one channel that wait for their confirm, oldest first."""

    __slots__ = ("_marks", "_order", "_returned", "_waiting", "strangers")

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Hashable, Message]] = {}  # sequence number -> (mark, message)
        self._order: deque[int] = deque()  # outstanding sequence numbers and some confirmed out of order
        self._marks: dict[Hashable, deque[int]] = {}  # mark -> its outstanding sequence numbers, oldest first
        self._returned: dict[int, Returned] = {}  # returned, and not yet confirmed
        self.strangers = 0
        """Confirms and returns of nothing that is outstanding: counted, because they mean a fault."""

    def __len__(self) -> int:
        return len(self._waiting)

    def published(self, sequence: int, mark: Hashable, message: Message) -> None:
        """`message` went out under this sequence number."""
        if self._order and sequence <= self._order[-1]:
            raise ValueError(f"sequence number {sequence} after {self._order[-1]}: they only grow")
        self._waiting[sequence] = (mark, message)
        self._order.append(sequence)
        known = self._marks.get(mark)
        if known is None:
            self._marks[mark] = deque((sequence,))
        else:
            known.append(sequence)

    def returned(self, mark: Hashable, code: int, text: str) -> bool:
        """A message came back unroutable; the confirm that follows settles it. False: not one of ours."""
        for sequence in self._marks.get(mark, ()):
            if sequence not in self._returned:
                self._returned[sequence] = Returned(code, text)
                return True
        self.strangers += 1
        return False

    def settled(self, tag: int, *, multiple: bool, ok: bool) -> list[tuple[Message, Fate]]:
        """What a `basic.ack` (ok) or `basic.nack` settles, oldest first, and how each message fared."""
        if multiple:
            return [self._settle(sequence, ok=ok) for sequence in self._take_up_to(tag)]
        if tag not in self._waiting:
            self.strangers += 1
            return []
        one = [self._settle(tag, ok=ok)]
        self._drop_confirmed()
        return one

    def outstanding(self) -> Iterator[Message]:
        """The unsettled messages, oldest first: what the next session sends again."""
        return (message for _, message in self._waiting.values())

    def clear(self) -> list[Message]:
        """The channel is gone: the unsettled messages, oldest first, and an empty ledger."""
        left = list(self.outstanding())
        for store in (self._waiting, self._order, self._marks, self._returned):
            store.clear()
        return left

    def _take_up_to(self, tag: int) -> list[int]:
        """Every outstanding number up to `tag`; 0 means all, as AMQP says."""
        taken: list[int] = []
        while self._order and (self._order[0] <= tag or tag == 0):
            sequence = self._order.popleft()
            if sequence in self._waiting:
                taken.append(sequence)
        if not taken:
            self.strangers += 1
        return taken

    def _settle(self, sequence: int, *, ok: bool) -> tuple[Message, Fate]:
        mark, message = self._waiting.pop(sequence)
        same = self._marks[mark]
        if len(same) == 1:
            del self._marks[mark]
        else:
            same.remove(sequence)
        came_back = self._returned.pop(sequence, None) if self._returned else None
        if not ok:
            return message, NACKED
        return message, came_back or CONFIRMED

    def _drop_confirmed(self) -> None:
        """Numbers confirmed out of order leave the deque when they reach its left end."""
        while self._order and self._order[0] not in self._waiting:
            self._order.popleft()
