"""Daemon threads that run what they are handed. Made and fed by `workers`.

Twisted's ThreadPool does the same through Python's own conditions and its log context, which was a
sixth of the processor at 500 questions a second; a `SimpleQueue` wakes a second idle thread for
each call, which then contends for the interpreter. Here each thread waits at a lock of its own, and
the one that was idle for the shortest time is taken: its memory is warm.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock, Thread

from twisted.logger import Logger

Call = Callable[[], object]


class Threads:
    """At most `size` threads. A call should not raise; one that does goes to the log, and its thread goes on.

    They are daemons: one that hangs does not keep the process from ending, and what it worked on is
    the broker's to deliver again.
    """

    log = Logger()

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = Lock()
        self._waiting: deque[Call] = deque()
        self._idle: list[_Served] = []
        self._threads: list[_Served] = []
        self._short = False  # the system had no thread to give, and the log says so
        self._stopped = False

    def start(self) -> None:
        """Make the threads now: later, when they are needed, the system may have none to give.

        Raises RuntimeError where there is not even one: nothing would ever be run.
        """
        with self._lock:
            self._idle.append(self._make())
            while len(self._threads) < self._size and (thread := self._another()):
                self._idle.append(thread)

    def callInThread(self, call: Call) -> None:  # noqa: N802  the name is that of Twisted's ThreadPool
        """Run `call` on a thread, or on the first that comes back where none is free; from any thread."""
        with self._lock:
            if self._stopped:
                return
            thread = self._idle.pop() if self._idle else self._another()
            if thread is None:
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

    def _another(self) -> "_Served | None":
        """One thread more, if there may be one and the system gives it."""
        if len(self._threads) >= self._size:
            return None
        try:
            return self._make()
        except (RuntimeError, MemoryError) as error:
            self._say_short(error)
            return None

    def _make(self) -> "_Served":
        thread = _Served(f"{self._name}-{len(self._threads)}", self._next)
        self._threads.append(thread)
        return thread

    def _say_short(self, error: Exception) -> None:
        if not self._short:  # once: it is tried again for every call
            self._short = True
            self.log.error(
                "Only {count} of {size} threads run, the system gives no more: {error}. Raise its limit",
                count=len(self._threads),
                size=self._size,
                error=error,
            )

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

    log = Logger()

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
                self._survive(call)
                call = self._then(self)

    def _survive(self, call: Call) -> None:
        try:
            call()
        except BaseException:  # noqa: BLE001  whatever it is, the calls that come after need the thread
            self.log.failure("A thread's call failed: a fault of kzrules, please report it")
