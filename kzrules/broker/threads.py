"""Daemon threads that run what they are handed. Made and fed by `workers`.

Twisted's ThreadPool does the same through Python's own conditions and its log context, which was a
sixth of the processor at 500 questions a second; a `SimpleQueue` wakes a second idle thread for
each call, which then contends for the interpreter. Here each thread waits at a lock of its own, and
the one that was idle for the shortest time is taken: its memory is warm.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock, Thread

Call = Callable[[], object]


class Threads:
    """At most `size` threads, made as they are needed. A call must not raise: that would end its thread.

    They are daemons: one that hangs does not keep the process from ending, and what it worked on is
    the broker's to deliver again.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = Lock()
        self._waiting: deque[Call] = deque()
        self._idle: list[_Served] = []
        self._threads: list[_Served] = []
        self._stopped = False

    def start(self) -> None:
        """Begin to take work; there is nothing to prepare."""

    def callInThread(self, call: Call) -> None:  # noqa: N802  the name is that of Twisted's ThreadPool
        """Run `call` on a thread; from any thread."""
        with self._lock:
            if self._stopped:
                return
            if self._idle:
                thread = self._idle.pop()
            elif len(self._threads) < self._size:
                thread = _Served(f"{self._name}-{len(self._threads)}", self._next)
                self._threads.append(thread)
            else:
                self._waiting.append(call)
                return
        thread.give(call)

    def stop(self) -> None:
        """Wait for every thread to end what was handed over; what comes later is not run."""
        with self._lock:
            self._stopped = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.give(None)
        for thread in self._threads:
            thread.join()

    def _next(self, thread: "_Served") -> Call | None:
        """What this thread does next; None where it is idle now, or ends."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._stopped:
                thread.ends = True
            else:
                self._idle.append(thread)
            return None


class _Served(Thread):
    """One thread, and the lock that it waits at for its next call."""

    def __init__(self, name: str, then: "Callable[[_Served], Call | None]") -> None:
        super().__init__(name=name, daemon=True)
        self.ends = False
        self._then = then
        self._call: Call | None = None
        self._given = Lock()
        self._given.acquire()
        self.start()

    def give(self, call: Call | None) -> None:
        """The next call, once it is idle; None ends it."""
        self._call = call
        self.ends = call is None
        self._given.release()

    def run(self) -> None:
        """Thread's: call after call."""
        while not self.ends:
            self._given.acquire()
            call, self._call = self._call, None
            while call is not None:
                call()
                call = self._then(self)
