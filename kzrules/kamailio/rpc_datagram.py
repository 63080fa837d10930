"""JSON-RPC by datagrams over a unix socket: many requests under way at once. Used by `rpc`.

Kamailio answers to the address that a request came from, so we have a socket of our own, in a folder
that it may enter. Whoever may write there can only guess at ids.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, maybeDeferred
from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from kzrules.errors import PayloadError
from kzrules.kamailio.rpc import MOST_OPEN, NotAnswered, in_time
from kzrules.message.payload import loads
from kzrules.wire.replies import Replies

LARGEST = 64 * 1024
"""What one datagram holds; Kamailio cuts what is longer, and then it is no JSON."""


AT_ONCE = 8
"""Requests under way: Linux keeps ten datagrams for a unix socket, and drops what comes beyond them."""


class OverDatagrams(DatagramProtocol):
    """One Kamailio's datagram socket."""

    log = Logger()

    def __init__(self, path: str, reactor: Any) -> None:
        self._path = path
        self._reactor = reactor
        self._folder: Path | None = None
        self._port: Any = None
        self._waiting: Replies[Deferred[bytes]] = Replies(MOST_OPEN)
        self._turns = DeferredSemaphore(AT_ONCE)

    def start(self) -> None:
        """Make our own end."""
        self._folder = Path(tempfile.mkdtemp(prefix="kzrules-rpc-"))
        self._folder.chmod(0o711)  # Kamailio runs as another user, and must reach the socket by its name
        own = str(self._folder / "socket")
        self._port = self._reactor.listenUNIXDatagram(own, self, maxPacketSize=LARGEST, mode=0o666)

    def stop(self) -> "Deferred[Any]":
        """Close it; who still waits is told."""
        self._waiting.fail_all("disconnected", lambda waiter, why: waiter.errback(NotAnswered(why)))
        closing = maybeDeferred(self._port.stopListening) if self._port is not None else maybeDeferred(int)
        return closing.addBoth(self._clean_up)

    def _clean_up(self, _: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def exchange(self, request_id: str, body: bytes, seconds: float) -> bytes:
        """One datagram and the one that answers it, its turn included in its time."""
        asking: Deferred[bytes] = self._turns.run(self._ask, request_id, body)
        return await in_time(asking, seconds, self._reactor)

    def _ask(self, request_id: str, body: bytes) -> "Deferred[bytes]":
        answer: Deferred[bytes] = Deferred(lambda _: self._forget(request_id))
        self._waiting.ask(request_id, answer, 0.0)  # its time is kept by `exchange`
        try:
            self._send(body)
        except NotAnswered:
            self._waiting.forget(request_id)
            raise
        return answer

    def _forget(self, request_id: str) -> None:
        self._waiting.forget(request_id)

    def _send(self, body: bytes) -> None:
        try:
            transport: Any = self.transport  # a unix one: its addresses are paths
            transport.write(body, self._path)
        except MessageLengthError:
            raise NotAnswered("refused: the request is larger than a datagram") from None
        except OSError:
            raise NotAnswered("disconnected") from None

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:  # noqa: N802  the name is Twisted's
        """An answer, or a stranger's datagram."""
        del addr
        request_id: Any = None
        with contextlib.suppress(PayloadError):
            request_id = loads(datagram).get("id")
        waiter = self._waiting.answered(request_id) if isinstance(request_id, str) else None
        if waiter is not None:
            waiter.callback(datagram)
