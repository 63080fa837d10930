"""One Deferred for several messages that are decided one by one. Made by `publisher`."""

from twisted.internet.defer import Deferred

from kzrules.errors import KzError


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
