"""Who waits for which answer: correlation ids meet their askers. Called by the broker's queries.

Time is an argument (seconds of any one clock). An entry is made before its question is
published, so that an answer can never be faster than it. The first answer wins; later ones
and strangers' are counted, not forgotten in silence.
"""

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")


class RepliesFull(Exception):  # noqa: N818  it is a state of the table, and callers turn it into "busy"
    """As many questions wait as are allowed; the caller says "busy"."""


class Replies(Generic[Waiter]):
    """The open questions, at most `limit` of them."""

    __slots__ = ("_by_time", "_waiting", "expired", "limit", "strangers")

    def __init__(self, limit: int = 10_000) -> None:
        self.limit = limit
        self._waiting: dict[str, tuple[float, Waiter]] = {}
        self._by_time: list[tuple[float, str]] = []  # a heap; entries of answered questions leave lazily
        self.strangers = 0
        """Answers that nobody waited for: late, second, or never asked."""
        self.expired = 0
        """Questions whose time ran out."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, correlation_id: str) -> bool:
        return correlation_id in self._waiting

    def ask(self, correlation_id: str, waiter: Waiter, until: float) -> None:
        """`waiter` waits for the answer until the clock says `until`. RepliesFull when there is no room."""
        if len(self._waiting) >= self.limit:
            raise RepliesFull(f"{self.limit} questions wait for their answers already")
        if correlation_id in self._waiting:
            raise ValueError(f"a question with the id {correlation_id} already waits")
        self._waiting[correlation_id] = (until, waiter)
        heapq.heappush(self._by_time, (until, correlation_id))
        if len(self._by_time) > 2 * len(self._waiting) + 64:
            self._sweep()

    def answered(self, correlation_id: str) -> Waiter | None:
        """Who waited for this answer; None, and counted, when nobody does (late, second, never asked)."""
        entry = self._waiting.pop(correlation_id, None)
        if entry is None:
            self.strangers += 1
            return None
        return entry[1]

    def forget(self, correlation_id: str) -> Waiter | None:
        """The question failed otherwise (returned, given up): who asked it, or None."""
        entry = self._waiting.pop(correlation_id, None)
        return None if entry is None else entry[1]

    def expire(self, now: float) -> list[Waiter]:
        """Those whose time has run out at `now`, longest overdue first."""
        late: list[Waiter] = []
        while self._by_time and self._by_time[0][0] <= now:
            until, correlation_id = heapq.heappop(self._by_time)
            entry = self._waiting.get(correlation_id)
            if entry is not None and entry[0] == until:
                del self._waiting[correlation_id]
                late.append(entry[1])
        self.expired += len(late)
        return late

    def next_expiry(self) -> float | None:
        """When `expire` has something to do next, at the earliest; None while nobody waits."""
        while self._by_time and self._is_stale(self._by_time[0]):
            heapq.heappop(self._by_time)
        return self._by_time[0][0] if self._by_time else None

    def waiters(self) -> list[Waiter]:
        """Everybody who waits now."""
        return [waiter for _, waiter in self._waiting.values()]

    def fail_all(self, why: str, fail: Callable[[Waiter, str], None]) -> int:
        """The connection is gone: tell everybody who waits why; how many they were."""
        waiters = [waiter for _, waiter in self._waiting.values()]
        self._waiting.clear()
        self._by_time.clear()
        for waiter in waiters:
            fail(waiter, why)
        return len(waiters)

    def _is_stale(self, timed: tuple[float, str]) -> bool:
        until, correlation_id = timed
        entry = self._waiting.get(correlation_id)
        return entry is None or entry[0] != until

    def _sweep(self) -> None:
        """Most heap entries are of answered questions: build it anew from those that wait."""
        self._by_time = [(until, name) for name, (until, _) in self._waiting.items()]
        heapq.heapify(self._by_time)
