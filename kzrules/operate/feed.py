"""Who wants to hear of each event at its end: tap, metrics, page and tracing listen here.

The service tells it on the reactor thread when an event's outcome is decided and what it caused
is confirmed. With nobody listening that is one look at an empty tuple.
"""

from collections.abc import Callable

from twisted.logger import Logger

from kzrules.broker.inhand import InHand

Listener = Callable[[InHand], object]


class Feed:
    """Hands each settled event to those who listen. A listener must not keep or change it."""

    __slots__ = ("listeners",)
    _log = Logger()

    def __init__(self) -> None:
        self.listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Hear of every event from now on; once, however often it is said."""
        self.leave(listener)
        self.listeners = (*self.listeners, listener)

    def leave(self, listener: Listener) -> None:
        """Hear of no more."""
        self.listeners = tuple(one for one in self.listeners if one != listener)

    def tell(self, item: InHand) -> None:
        """An event has ended. What a listener raises is its own failure: the event goes on."""
        for listener in self.listeners:
            try:
                listener(item)
            except Exception:  # noqa: BLE001  whatever it is, the event must be settled
                self._log.failure("a listener of the event feed failed: {listener!r}", listener=listener)
