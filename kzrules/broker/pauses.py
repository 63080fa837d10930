"""Growing pauses between attempts at something that fails. Called by the consumer."""

from collections.abc import Callable


class Pauses:
    """Seconds from `first`, doubling to `longest`, each a quarter more or less by chance.

    `jitter` gives numbers from 0 to 1; without it, all consumers of a broker would come back at once.
    """

    def __init__(self, first: float, longest: float, jitter: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._taken = 0

    def next(self) -> float:
        """The next pause, in seconds."""
        pause: float = min(self._first * 2 ** min(self._taken, 32), self._longest)
        self._taken += 1
        return pause * (0.75 + self._jitter() / 2)

    def begin_anew(self) -> None:
        """It went well for a while: the next trouble is another one."""
        self._taken = 0
