"""The bounded pool that rules run on: work goes to threads in batches, results come back in batches.

Called by the consumer for deliveries and for rules that go on after a query, and by the service
for timers. Work is queued in one place and drained by at most `size` threads, so that one hop
to a thread serves everything that waits; one `callFromThread` serves every result until the
reactor has looked. Nothing here knows what the work is.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock, Thread, get_ident
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.threads import Threads
from kzrules.clock import Clock, Timer

T = TypeVar("T")
Work = Callable[[], Iterable[Any]]
Receive = Callable[[list[Any]], object]

AT_ONCE = 64
"""Results that are handed to the reactor in one piece, at most."""
AT_LEAST_EVERY = 0.005
"""Seconds after which results go to the reactor although the work is not through."""
WAKE_AFTER = 0.002
"""Seconds without a thread coming back for more, after which another one is woken for what waits: at once
where they have passed when the work comes. Threads take turns at one interpreter: a second one brings more
turns and no more work, unless a slow rule holds the first."""
SLICE = 0.01
"""Seconds that taking results may hold the reactor before it looks at its sockets again."""


class Reactor(Clock, Protocol):
    """The part of the reactor that is needed here."""

    def callFromThread(self, call: Callable[..., Any], *args: Any) -> None:  # noqa: N802  Twisted's name
        """Run `call` on the reactor thread, from any thread."""


class Pool(Protocol):
    """What runs the work: `Threads`, or Twisted's ThreadPool."""

    def start(self) -> None:
        """Begin to take work."""

    def stop(self) -> None:
        """Take no more work and wait for every thread to end."""

    def callInThread(self, call: Callable[..., Any]) -> None:  # noqa: N802  Twisted's name
        """Run `call` on a thread of the pool."""


class WorkersStopped(RuntimeError):  # noqa: N818  it names a state
    """Work came after the pool was stopped: whoever sent it should have been stopped before."""


class Workers:
    """`size` threads and what waits for them. Made, started and stopped on the reactor thread."""

    log = Logger()

    def __init__(self, size: int, reactor: Reactor, pool: Pool | None = None) -> None:
        self.size = size
        self._reactor = reactor
        self._pool = pool or Threads(size, "kzrules")
        self._lock = Lock()
        self._queue: deque[tuple[Work, Receive]] = deque()
        self._results: deque[tuple[Receive, list[Any], bool]] = deque()
        self._busy = 0  # threads that drain the queue
        self._took: dict[int, float] = {}  # when each of them took its last piece of work
        self._begun = 0  # pieces of work taken; a woken thread's first counts from its waking
        self._looking = False  # whether it is seen to that what waits is taken
        self._look: Timer | None = None
        self._woken = False  # the reactor has been told that there are results
        self._in_hand = 0  # work whose last result the reactor has not seen
        self._stopped = False
        self._idle: list[Deferred[None]] = []
        self.broken = 0
        """Work that raised: a fault of ours, each with its traceback in the log."""

    @property
    def in_hand(self) -> int:
        """Pieces of work queued, running, or finished with results not yet taken."""
        return self._in_hand

    def start(self) -> None:
        """Begin to run work. Raises RuntimeError where the system gives no thread."""
        self._pool.start()

    def submit(self, work: Work, receive: Receive) -> None:
        """Run `work` on a thread. What it gives comes to `receive` on the reactor thread, in lists.

        `receive` is called at least once, when the work is through, if only with an empty list.
        May be called from any thread. Raises WorkersStopped after `stop`.
        """
        with self._lock:
            if self._stopped:
                raise WorkersStopped("the worker pool is stopped")
            self._in_hand += 1
            wake = self._busy == 0 or (self._busy < self.size and self._all_held_up())
            look = not wake and self._busy < self.size and not self._looking
            self._queue.append((work, receive))
            self._count_woken(wake)
            self._looking = self._looking or look
            begun = self._begun
        if wake:
            self._pool.callInThread(self._drain_queue)
        elif look:
            self._reactor.callFromThread(self._look_after, begun)

    def _all_held_up(self) -> bool:
        """Whether every busy thread has been at one piece of work for long. The lock is held.

        Not where something waits: then a thread is on its way to it, perhaps held up only by whoever
        submits, and `_wake_another` sees to it once the reactor has let the threads have their turn.
        """
        if self._queue:
            return False
        lately = self._reactor.seconds() - WAKE_AFTER
        return all(took <= lately for took in self._took.values())

    def _count_woken(self, woken: bool) -> None:  # noqa: FBT001  it is what is counted
        """A woken thread is busy, and its first piece tells nothing of the others. The lock is held."""
        self._busy += woken
        self._begun += woken

    def run(self, call: Callable[..., T], *args: Any) -> "Deferred[T]":
        """The result of `call(*args)`, run on a thread: for work that comes alone."""
        done: Deferred[T] = Deferred()

        def work() -> Iterable[Any]:
            try:
                return [call(*args)]
            except BaseException:  # noqa: BLE001  whoever waits for the Deferred gets it
                return [Failure()]  # type: ignore[no-untyped-call]  # Twisted's

        def receive(results: list[Any]) -> None:
            for result in results:
                done.callback(result)  # a Failure takes the errback chain

        self.submit(work, receive)
        return done

    def when_idle(self) -> "Deferred[None]":
        """Fires when nothing is in hand."""
        idle: Deferred[None] = Deferred()
        if self._in_hand:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    def stop(self, timeout: float) -> "Deferred[bool]":
        """Let what is in hand finish for `timeout` seconds, then end the threads.

        True: all of it finished. False: something hangs; its thread is left behind, and what it
        worked on is the broker's to deliver again.
        """
        ended: Deferred[bool] = Deferred()
        limit = self._reactor.callLater(timeout, self._end, ended)

        def finished(_: None) -> None:
            if limit.active():
                limit.cancel()
                self._end(ended)

        self.when_idle().addCallback(finished)
        return ended

    def _end(self, ended: "Deferred[bool]") -> None:
        with self._lock:
            self._stopped = True
            finished = self._in_hand == 0
            self._queue.clear()
        if self._look is not None and self._look.active():
            self._look.cancel()
        if finished:
            self._pool.stop()
        else:  # joining a thread that hangs would hang the reactor
            Thread(target=self._pool.stop, daemon=True, name="kzrules-pool-stop").start()
        ended.callback(finished)

    # On the worker threads.

    def _drain_queue(self) -> None:
        thread = get_ident()
        taken = self._take(thread)
        try:
            while taken is not None:
                self._work(*taken)
                taken = self._take(thread)
        finally:
            if taken is not None:  # it raised: what comes later must not wait for this thread
                with self._lock:
                    self._leave(thread)

    def _take(self, thread: int) -> tuple[Work, Receive] | None:
        """The next piece of work; without one, the thread is no longer busy."""
        with self._lock:
            if not self._queue:
                self._leave(thread)
                return None
            self._begun += thread in self._took
            self._took[thread] = self._reactor.seconds()
            return self._queue.popleft()

    def _leave(self, thread: int) -> None:
        self._busy -= 1
        self._took.pop(thread, None)

    def _work(self, work: Work, receive: Receive) -> None:
        results: list[Any] = []
        sent = time.monotonic()
        try:
            for result in work():
                results.append(result)
                if len(results) >= AT_ONCE or time.monotonic() - sent > AT_LEAST_EVERY:
                    self._post(receive, results, last=False)
                    results, sent = [], time.monotonic()
        except BaseException:  # noqa: BLE001  a panic of Rust's too goes to the log, and the thread goes on
            self._post(self._broke, [Failure()], last=False)  # type: ignore[no-untyped-call]  # Twisted's
        finally:
            self._post(receive, results, last=True)

    def _post(self, receive: Receive, results: list[Any], *, last: bool) -> None:
        with self._lock:
            self._results.append((receive, results, last))
            wake, self._woken = not self._woken, True
        if wake:
            self._reactor.callFromThread(self._take_results)

    # On the reactor thread.

    def _look_after(self, begun: int) -> None:
        self._look = self._reactor.callLater(WAKE_AFTER, self._wake_another, begun)

    def _wake_another(self, begun: int) -> None:
        """Wake a thread where none has taken anything since; look again while something waits."""
        with self._lock:
            behind = bool(self._queue) and self._busy < self.size
            another = behind and begun == self._begun
            self._count_woken(another)
            self._looking = behind
            begun = self._begun  # before the woken thread takes anything, which would look like progress
        if another:
            self._pool.callInThread(self._drain_queue)
        if behind:
            self._look_after(begun)

    def _take_results(self) -> None:
        until = self._reactor.seconds() + SLICE
        while True:
            with self._lock:
                if not self._results:
                    self._woken = False
                    break
                receive, results, last = self._results.popleft()
                self._in_hand -= last
            try:
                receive(results)
            except Exception:  # noqa: BLE001  one receiver's fault must not keep the others' results
                self._broke([Failure()])  # type: ignore[no-untyped-call]  # Twisted's
            if self._reactor.seconds() >= until:
                self._reactor.callLater(0, self._take_results)
                break
        if not self._in_hand:
            self._tell_idle()

    def _tell_idle(self) -> None:
        waiting, self._idle = self._idle, []
        for idle in waiting:
            idle.callback(None)

    def _broke(self, failures: list[Failure]) -> None:
        for failure in failures:
            self.broken += 1
            self.log.failure("A worker's task failed: a fault of kzrules, please report it", failure)
