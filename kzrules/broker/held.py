"""What the outbox holds: messages of which nobody knows yet whether they arrived. Made by `publisher`."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from kzrules.broker.amqp_frames import Outgoing
from kzrules.errors import KzError
from kzrules.wire import properties

Mark = tuple[str | int | None, str, str]


class Together:
    """Several messages that one Deferred speaks for."""

    def __init__(self, many: int, failure: BaseException | None) -> None:
        self.done: Deferred[None] = Deferred()
        self._left = many + 1
        self._failure = failure

    def begin(self) -> None:
        """All are on their way."""
        self.one_done()

    def one_done(self) -> None:
        """One is decided."""
        self._left -= 1
        if self._left == 0:
            if self._failure is None:
                self.done.callback(None)
            else:
                self.done.errback(self._failure)

    def one_failed(self, error: KzError) -> None:
        """One is decided, and lost."""
        self._failure = self._failure or error
        self.one_done()


class Alone:
    """One message whose sender wants to hear of its failure only: no Deferred for each."""

    __slots__ = ("one_failed",)

    def __init__(self, failed: Callable[[KzError], None]) -> None:
        self.one_failed = failed

    def one_done(self) -> None:
        """It has arrived: its answer tells."""


@dataclass(slots=True, eq=False)
class Held:
    """One message of which nobody knows yet whether it arrived."""

    message: Outgoing
    mark: Mark
    together: Together | Alone

    def confirmed(self) -> None:
        """It has arrived."""
        self.together.one_done()

    def fail(self, error: KzError) -> None:
        """It has not, and is given up."""
        self.together.one_failed(error)


def mark_of(raw: bytes, exchange: str, routing_key: str) -> Mark:
    """What a returned message is known by: a sender's own message_id need not be unique."""
    return properties.message_id(raw), exchange, routing_key
