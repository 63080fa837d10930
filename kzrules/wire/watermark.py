"""Delivery tags that finish out of order become as few `basic.ack` as is safe. Called by the consumer.

`basic.ack(multiple=True)` settles everything up to its tag, so its tag may only be one below
which nothing is unfinished, and the tag itself must still be outstanding: the broker closes
the channel (406) for a tag that was settled before. Tags finished above a gap (one event that
waits) would fill the prefetch and stop the channel; when they reach a quarter of it they are
acked singly, and are never the tag of a later multiple ack.

Tags count from 1 on every channel and arrive without gaps, so one watermark belongs to one channel.
"""

from collections.abc import Iterable
from itertools import islice


class Watermark:
    """What of one channel's deliveries is finished, and what may be acked."""

    __slots__ = ("_ackable", "_base", "_finished", "_highest", "_settled", "_singly_at", "_top")

    def __init__(self, prefetch: int) -> None:
        """`prefetch` is the channel's; where it is 0 (no limit), a thousand tags above a gap are enough."""
        self._singly_at = max(1, prefetch // 4) if prefetch else 1_000
        self._base = 0  # every tag <= base is finished
        self._top = 0  # every tag <= top has been delivered
        self._finished: set[int] = set()  # finished above base, still outstanding at the broker
        self._settled: set[int] = set()  # settled singly above base
        self._highest = 0  # the highest tag <= base that is outstanding and may be acked, 0 for none
        self._ackable = 0  # how many tags <= base wait for an ack

    @property
    def in_hand(self) -> int:
        """How many delivered tags are not finished."""
        return self._top - self._base - len(self._finished) - len(self._settled)

    @property
    def unsettled(self) -> int:
        """How many delivered tags the broker still holds for us: they fill its prefetch."""
        return self._top - self._base - len(self._settled) + self._ackable

    @property
    def ackable(self) -> int:
        """How many tags one multiple ack would settle now."""
        return self._ackable

    def delivered(self, tag: int) -> None:
        """The broker handed over `tag`."""
        self.delivered_range(tag, tag)

    def delivered_range(self, first: int, last: int) -> None:
        """The broker handed over `first` to `last`."""
        if first != self._top + 1 or last < first:
            raise ValueError(f"tags {first} to {last} after {self._top}: a channel's tags have no gaps")
        self._top = last

    def finished(self, tag: int) -> None:
        """The delivery is done and may be acked."""
        self._check(tag)
        if tag == self._base + 1:
            self._base = self._highest = tag
            self._ackable += 1
            if self._finished or self._settled:
                self._advance()
        else:
            self._finished.add(tag)

    def finished_many(self, tags: Iterable[int]) -> None:
        """Each of these deliveries is done and may be acked."""
        if not self._finished and not self._settled:
            tags = list(tags)
            last = self._base + len(tags)
            if last <= self._top and tags == list(range(self._base + 1, last + 1)):
                if tags:
                    self._base = self._highest = last
                    self._ackable += len(tags)
                return
        finished = self._finished
        for tag in tags:
            if tag == self._base + 1 <= self._top and not finished and not self._settled:
                self._base = self._highest = tag
                self._ackable += 1
            else:
                self.finished(tag)

    def settled_singly(self, tag: int) -> None:
        """The delivery was rejected, given back or acked by itself: nothing more may be said of this tag."""
        self._check(tag)
        self._settled.add(tag)
        if tag == self._base + 1:
            self._advance()

    def flush(self) -> list[tuple[int, bool]]:
        """What to ack now, as (tag, multiple), in the order to send it; nothing of it is told twice."""
        acks: list[tuple[int, bool]] = []
        if self._highest:
            acks.append((self._highest, True))
            self._highest = self._ackable = 0
        if len(self._finished) >= self._singly_at:
            singly = sorted(self._finished)
            acks += [(tag, False) for tag in singly]
            self._settled.update(singly)
            self._finished.clear()
        return acks

    def flush_all(self) -> list[tuple[int, bool]]:
        """The same, but leaves nothing finished unacked: before a cancel, a close or the end."""
        acks = self.flush()
        singly = sorted(self._finished)
        self._settled.update(singly)
        self._finished.clear()
        return acks + [(tag, False) for tag in singly]

    def unfinished(self, limit: int = 1_000) -> list[int]:
        """The lowest delivered tags that are not finished, for status and for giving back."""
        done = self._finished | self._settled
        return list(islice((tag for tag in range(self._base + 1, self._top + 1) if tag not in done), limit))

    def _check(self, tag: int) -> None:
        if not self._base < tag <= self._top or tag in self._finished or tag in self._settled:
            raise ValueError(
                f"delivery tag {tag} is not in hand: it was never delivered or is already settled"
            )

    def _advance(self) -> None:
        """Move the base over what is finished; a singly settled tag is passed, never taken as highest."""
        base, finished, settled = self._base, self._finished, self._settled
        while True:
            follows = base + 1
            if follows in finished:
                finished.remove(follows)
                self._highest = follows
                self._ackable += 1
            elif follows in settled:
                settled.remove(follows)
            else:
                break
            base = follows
        self._base = base
