"""Daemon threads that run what they are handed. Made and fed by `workers`.

Twisted's ThreadPool does the same through Python's own conditions and its log context: at 500
questions a second, each of which comes to a thread twice, that was a third of the processor.
"""

from collections.abc import Callable
from itertools import count
from queue import SimpleQueue
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
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._unserved = 0  # calls that are running or waiting
        self._numbers = count()

    def start(self) -> None:
        """Begin to take work; there is nothing to prepare."""

    def callInThread(self, call: Call) -> None:  # noqa: N802  the name is that of Twisted's ThreadPool
        """Run `call` on a thread; from any thread."""
        with self._lock:
            self._unserved += 1
            if len(self._threads) < min(self._unserved, self._size):
                thread = Thread(target=self._serve, name=f"{self._name}-{next(self._numbers)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._calls.put(call)

    def stop(self) -> None:
        """Wait for every thread to end what it has; what is put here later is not run."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            with self._lock:
                self._unserved -= 1
