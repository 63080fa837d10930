"""JSON-RPC over HTTP: a POST for each request, on a few connections that stay open. Used by `rpc`."""

from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from kzrules.kamailio.rpc import NotAnswered, in_time

CONNECTIONS = 8
CONNECT_TIMEOUT = 2.0
IDLE = 30
"""Seconds for which an idle connection is kept."""
LARGEST = 8 * 1024 * 1024
HEADERS = Headers({"Content-Type": ["application/json"], "User-Agent": ["kzrules"]})


class OverHttp:
    """One Kamailio's xhttp."""

    log = Logger()

    def __init__(self, url: str, reactor: Any) -> None:
        self._url = url.encode()
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor, persistent=True)  # type: ignore[no-untyped-call]  # Twisted's
        self._pool._factory.noisy = False  # noqa: SLF001  else each connection is two lines in the log
        self._pool.maxPersistentPerHost = CONNECTIONS
        self._pool.cachedConnectionTimeout = IDLE
        self._agent: Any = Agent(reactor, connectTimeout=CONNECT_TIMEOUT, pool=self._pool)  # type: ignore[no-untyped-call]  # as above
        self._turns = DeferredSemaphore(CONNECTIONS)

    def start(self) -> None:
        """Connections are made as they are needed."""

    def stop(self) -> "Deferred[Any]":
        """Close those that are kept."""
        closing: Deferred[Any] = self._pool.closeCachedConnections()  # type: ignore[no-untyped-call]  # as above
        return closing

    async def exchange(self, request_id: str, body: bytes, seconds: float) -> bytes:
        """One POST, its turn included in its timeout."""
        del request_id  # a response belongs to the connection that it comes by
        asking: Deferred[bytes] = self._turns.run(self._post, body)
        try:
            return await in_time(asking, seconds, self._reactor)
        except NotAnswered:
            raise
        except Exception as failed:  # noqa: BLE001  the many ways in which an HTTP client fails
            self.log.debug("JSON-RPC by HTTP failed: {why}", why=str(failed))
            raise NotAnswered("disconnected") from None

    def _post(self, body: bytes) -> "Deferred[bytes]":
        asking: Deferred[Any] = self._agent.request(b"POST", self._url, HEADERS, _Whole(body))
        return asking.addCallback(_whole)


def _whole(response: Any) -> "Deferred[bytes]":
    """The body of a response, within its bound. A refusal has one too."""
    body = _Body()
    response.deliverBody(body)
    return body.whole


@implementer(IBodyProducer)
class _Whole:
    """A request's body, written in one piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: Any) -> "Deferred[None]":  # noqa: N802  the name is Twisted's
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802  as above
        """There is nothing left to pause."""

    resumeProducing = stopProducing = pauseProducing  # noqa: N815  as above


class _Body(Protocol):
    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.whole: Deferred[bytes] = Deferred(self._give_up)

    def _give_up(self, _: object) -> None:
        self.transport.abortConnection()  # type: ignore[union-attr]  # there until the body ends

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  the name is Twisted's
        self._parts.append(data)
        self._size += len(data)
        if self._size > LARGEST:
            self._give_up(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802  the name is Twisted's
        if self.whole.called:
            return
        if isinstance(reason.value, ResponseDone):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(NotAnswered("bad_reply" if self._size > LARGEST else "disconnected"))
