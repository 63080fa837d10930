"""The HTTP port: read-only, on loopback unless told otherwise. What it answers is in `site`.

`service` starts it and stops it. Everything is read from one `Status`; nothing that is asked for
here changes anything, and no payload is shown.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from kzrules.operate.address import shown
from kzrules.operate.feed import Feed
from kzrules.operate.latest import Failures
from kzrules.operate.site import Root, site
from kzrules.operate.status import Status
from kzrules.operate.timing import Timing

AGAIN = 2.0
"""Seconds before a port that is taken is tried again: the process before us may still be draining."""
_log = Logger()


class Http:
    """The port that monitoring and people look at."""

    def __init__(
        self, where: tuple[str, int], status: Callable[[], Status], feed: Feed, reactor: Any
    ) -> None:
        self.timing, self.failures = Timing(), Failures()
        self._where = where
        self._feed = feed
        self._reactor = reactor
        self._site = site(Root(status, self.timing, self.failures, where[0]))
        self._port: Any = None
        self._again: Any = None

    def start(self) -> None:
        """Listen, and hear of each event."""
        self._feed.listen(self.timing.event)
        self._feed.listen(self.failures.event)
        self._listen()

    def question(self, answer: "Deferred[Any]") -> None:
        """A question was asked: how long its answer takes is counted."""
        asked = self._reactor.seconds()

        def over(result: Any) -> Any:
            self.timing.queries.took(self._reactor.seconds() - asked)
            return result

        answer.addBoth(over)

    def _listen(self) -> None:
        host, port = self._where
        try:
            self._port = self._reactor.listenTCP(port, self._site, interface=host)
        except CannotListenError as error:
            if self._again is None:
                _log.error(
                    "no health, metrics or page at {host}:{port}: {why}; trying again every {again:g} s",
                    host=host,
                    port=port,
                    why=str(error.socketError),
                    again=AGAIN,
                )
            self._again = self._reactor.callLater(AGAIN, self._listen)
            return
        taken = self._port.getHost()
        _log.info("health, metrics and a page at http://{where}/", where=shown(taken.host, taken.port))
        if not ip_address(taken.host).is_loopback:
            _log.warn(
                "--http {where} can be read by everybody who reaches this address: it asks for no login",
                where=shown(taken.host, taken.port),
            )

    def stop(self) -> "Deferred[Any]":
        """Listen no more; fires when the port is free."""
        self._feed.leave(self.timing.event)
        self._feed.leave(self.failures.event)
        if self._again is not None and self._again.active():
            self._again.cancel()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening) if port is not None else succeed(None)
