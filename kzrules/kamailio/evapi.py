"""The connection to one Kamailio's evapi, which is the TCP server. `bridge` makes one for each `kamailio`.

It connects again for ever, reads whatever comes as fast as it comes (a client that does not read
stalls Kamailio's dispatcher, and then its SIP workers), and says hello, by which the script knows
whom to ask.
"""

import random
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable
from fcntl import ioctl
from typing import Any

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kzrules.kamailio.frames import HELLO
from kzrules.language.program import KamailioSpec
from kzrules.sending import at_once, is_empty, is_plain, nowhere
from kzrules.wire.backoff import wait
from kzrules.wire.netstring import BLOCK, LONGEST_FRAME, Netstrings

FIRST_WAIT, LONGEST_WAIT = 0.1, 1.0
"""Seconds between attempts: a Kamailio beside us that comes back is asked for within a second."""
CONNECT_TIMEOUT = 3.0
AT_ONCE = LONGEST_FRAME // BLOCK * BLOCK
"""Bytes that are handed to the system together."""
DIRECTLY = 4096
"""Bytes that an empty socket takes whole, whatever the system was told of sizes (its least is 4,608)."""
MOST_AHEAD = 1024 * 1024
"""Bytes that may wait before rules are told that no more can be told."""
MOST_UNREAD = 64 * 1024 * 1024
"""Bytes that may wait at all, some 2,000 of the largest answers; beyond them the connection is given up."""
GRACE = 2.0
"""Seconds for what is on its way out when the connection is to end."""
OPTIONS = (
    (socket.TCP_KEEPIDLE, 10),
    (socket.TCP_KEEPINTVL, 5),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_NOTSENT_LOWAT, 1),  # it takes more only when all is sent: Kamailio's socket had room for it
)


@implementer(IPullProducer)
class EvapiProtocol(Protocol):
    """One connection: frames in, frames out, a bound on what waits to go out.

    Frames leave whole, no more at once than Kamailio takes with one read, and the next ones when all
    before them have arrived in its socket: what the system keeps back would be cut anywhere on its way,
    and evapi cannot read every cut (`netstring.aligned`).
    """

    def __init__(self, owner: "Evapi") -> None:
        self._owner = owner
        self.netstrings = Netstrings()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._leaving = 0  # bytes that the transport was given since it last had none
        self._pulls = False
        self._given_up = False
        self._transport: Any = None
        self._socket: Any = None
        self._at_once: Callable[[bytes], None] = nowhere

    def connectionMade(self) -> None:  # noqa: N802  the name is Twisted's
        """Kamailio took the connection."""
        transport: Any = self.transport
        self._transport, self._socket, self._at_once = transport, transport.getHandle(), at_once(transport)
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(1)
        for option, value in OPTIONS:
            self._socket.setsockopt(socket.IPPROTO_TCP, option, value)
        self.write(HELLO)
        self._owner.opened(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  the name is Twisted's
        """Frames, in any pieces."""
        # Kamailio leaves Nagle's algorithm on: its next question waits there until this one is acknowledged,
        # which the system puts off until we answer. It has to be told after each read.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        frames = self.netstrings.feed(data)
        if frames:
            self._owner.receive(self, frames)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802  the name is Twisted's
        """Kamailio is gone, or restarts."""
        self._socket = None
        self._owner.lost(self, reason)

    def write(self, frame: bytes) -> None:
        """Send a whole frame, now or when Kamailio reads on."""
        if self._pulls and not self._waiting and self._leaving + len(frame) <= AT_ONCE:
            self._give(frame)
            return
        if not self._pulls and len(frame) <= DIRECTLY and self._arrived:
            self._at_once(frame)
            return
        if self._bytes + len(frame) > MOST_UNREAD:
            self._give_up()
            return
        self._waiting.append(frame)
        self._bytes += len(frame)
        if not self._pulls:
            self._pulls = True
            self._transport.registerProducer(self, False)  # noqa: FBT003  it pulls, at once for the first time

    @property
    def _arrived(self) -> bool:
        """Whether all that went out is in Kamailio's socket, so that another frame may follow."""
        if self._socket is None or not is_plain(self._transport) or not is_empty(self._transport):
            return False
        (under_way,) = struct.unpack("i", ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
        return not under_way

    def _give_up(self) -> None:
        """Once: what is written between now and the connection's end has nowhere to go."""
        if not self._given_up:
            self._given_up = True
            self._owner.log.error("{name} does not read: its connection is given up", name=self._owner.name)
            self.abort()

    @property
    def full(self) -> bool:
        """Kamailio does not keep up: what can wait should."""
        return self._bytes > MOST_AHEAD

    def _give(self, frame: bytes) -> None:
        self._leaving += len(frame)
        self._transport.write(frame)

    def resumeProducing(self) -> None:  # noqa: N802  the name is Twisted's
        """The transport has nothing of us any more."""
        self._leaving = 0
        while self._waiting and self._leaving + len(self._waiting[0]) <= AT_ONCE:
            frame = self._waiting.popleft()
            self._bytes -= len(frame)
            self._give(frame)
        if not self._leaving:
            self._pulls = False
            self._transport.unregisterProducer()

    def abort(self) -> None:
        """End it now, whatever waits."""
        self._transport.abortConnection()

    def stopProducing(self) -> None:  # noqa: N802  the name is Twisted's
        """The connection ends."""
        self._waiting.clear()
        self._bytes = 0


class Evapi:
    """The way to one Kamailio, connected or not. `take` gets its frames with the connection that they
    came by, `gone` each connection that was lost.
    """

    log = Logger()

    def __init__(
        self,
        spec: KamailioSpec,
        reactor: Any,
        take: Callable[[EvapiProtocol, list[bytes]], None],
        gone: Callable[[EvapiProtocol], None],
    ) -> None:
        self.name = f"Kamailio {spec.name} at {spec.host}:{spec.port}"
        self._reactor = reactor
        self._take = take
        self._gone = gone
        self._current: EvapiProtocol | None = None
        self._told = False
        self.connections = 0
        """How often it was connected."""
        endpoint: Any = HostnameEndpoint(reactor, spec.host, spec.port, timeout=CONNECT_TIMEOUT)
        factory: Any = Factory.forProtocol(lambda: EvapiProtocol(self))
        factory.noisy = False
        self._service = ClientService(endpoint, factory, retryPolicy=self._again, clock=reactor)

    @property
    def connection(self) -> EvapiProtocol | None:
        """The connection, where there is one."""
        return self._current

    def start(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._service.startService()

    def stop(self) -> Deferred[None]:
        """Close the connection and make no other."""
        connection = self._current
        stopping: Deferred[None] = self._service.stopService()
        if connection is not None and not stopping.called:
            # What waits goes out first, and a Kamailio that does not read would keep us for ever.
            giving_up = self._reactor.callLater(GRACE, connection.abort)
            stopping.addBoth(_cancelled, giving_up)
        return stopping

    def _again(self, failures: int) -> float:
        if failures and not self._told:
            self._told = True
            self.log.warn("{name} does not take a connection; it is tried again and again", name=self.name)
        return wait(failures, random.random(), first=FIRST_WAIT, longest=LONGEST_WAIT)  # noqa: S311  jitter

    # What the connection tells.

    def opened(self, connection: EvapiProtocol) -> None:
        """It is there: questions may come."""
        self._current, self._told = connection, False
        self.connections += 1
        self.log.info("{name} is connected", name=self.name)

    def receive(self, connection: EvapiProtocol, frames: list[bytes]) -> None:
        """Hand frames on."""
        self._take(connection, frames)

    def lost(self, connection: EvapiProtocol, reason: Failure) -> None:
        """It is gone, with the questions that came by it."""
        if self._current is connection:
            self._current = None
        self._gone(connection)
        if self._service.running:
            self.log.warn("{name} is gone: {why}", name=self.name, why=reason.getErrorMessage())


def _cancelled(result: Any, timer: Any) -> Any:
    if timer.active():
        timer.cancel()
    return result
