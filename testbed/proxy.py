"""A TCP proxy that misbehaves on request: what signals cannot do to a broker, this does to its connections.

In a test it stands on the test's own reactor; `testbed.proxy_process` runs it as a process of its own,
told what to do by lines on standard input. Bytes pass unchanged or not at all: TLS goes through it too.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.protocol import ClientFactory, Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from testbed.ports import free_port


class Mode(Enum):
    """What happens to bytes that come in."""

    PASS = auto()
    SWALLOW = auto()
    """Read and thrown away in both directions; neither side's end is told to the other."""
    HANG = auto()
    """New connections are accepted and lead nowhere; those that were there swallow."""
    CUT_IN_FRAME = auto()
    """The next bytes from the broker arrive but for the last one, then the connection ends."""


class Proxy:
    """Listens on a free loopback port and leads to `target_port`, until it is told otherwise."""

    def __init__(self, reactor: Any, target_port: int, *, port: int = 0) -> None:
        self.reactor = reactor
        self.target_port = target_port
        self.port = port or free_port()
        self.mode = Mode.PASS
        self.delay = 0.0
        self.pairs: set[_Pair] = set()
        self._factory = Factory.forProtocol(lambda: _Front(self))
        self._factory.noisy = False
        self._listening: Any = None
        self._cutting = LoopingCall(self.cut)
        self._cutting.clock = reactor

    def start(self) -> "Proxy":
        """Listen."""
        if self._listening is None:
            self._listening = self.reactor.listenTCP(self.port, self._factory, interface="127.0.0.1")
        return self

    def passing(self) -> None:
        """Be an honest proxy again. A connection that lost bytes meanwhile ends: its stream is broken."""
        self.mode, self.delay = Mode.PASS, 0.0
        for pair in self.pairs:
            pair.hurry()
        if self._cutting.running:
            self._cutting.stop()
        for pair in [pair for pair in self.pairs if pair.lost_bytes]:
            pair.abort()
        self.start()

    def swallow(self) -> None:
        """Go silent in both directions; everything stays open."""
        self.mode = Mode.SWALLOW

    def hang(self) -> None:
        """Accept and say nothing, ever."""
        self.mode = Mode.HANG

    def delaying(self, seconds: float) -> None:
        """Every byte takes this much longer, in each direction."""
        self.delay = seconds

    def cut_in_frame(self) -> None:
        """End each connection in the middle of the next frame that the broker sends."""
        self.mode = Mode.CUT_IN_FRAME

    def cut_every(self, seconds: float) -> None:
        """End all connections again and again."""
        if self._cutting.running:
            self._cutting.stop()
        self._cutting.start(seconds, now=False)

    def cut(self) -> None:
        """End all connections now, by a reset."""
        for pair in list(self.pairs):
            pair.abort()

    def refuse(self) -> "Deferred[None]":
        """Stop listening, so that the port refuses, and cut what is open."""
        self.cut()
        listening, self._listening = self._listening, None
        return maybeDeferred(listening.stopListening) if listening else succeed(None)

    def stop(self) -> "Deferred[None]":
        """End everything; fires when the port is closed."""
        if self._cutting.running:
            self._cutting.stop()
        return self.refuse()


@dataclass(eq=False)
class _Pair:
    """A client's connection and ours to the broker."""

    proxy: Proxy
    front: "_Side"
    back: "_Side | None" = None
    lost_bytes: bool = False
    late: list[Any] = field(default_factory=list)

    def hurry(self) -> None:
        """Send at once what is held back: what comes next must not overtake it."""
        late, self.late = [call for call in self.late if call.active()], []
        for call in late:
            send, held = call.func, call.args
            call.cancel()
            send(*held)

    def abort(self) -> None:
        """Reset both."""
        for call in self.late:
            if call.active():
                call.cancel()
        self.proxy.pairs.discard(self)
        for side in (self.front, self.back):
            if side is not None and side.transport is not None:
                side.transport.abortConnection()

    def end(self, side: "_Side") -> None:
        """One side has ended: so does the other, unless the network is silent."""
        if self.proxy.mode in (Mode.SWALLOW, Mode.HANG):
            self.lost_bytes = True
        else:
            self.proxy.pairs.discard(self)
            other = self.back if side is self.front else self.front
            if other is not None and other.transport is not None:
                other.transport.loseConnection()


class _Side(Protocol):
    """One end of a pair; what it receives goes out of `peer`."""

    pair: _Pair
    transport: Any
    peer: "_Side | None" = None

    def dataReceived(self, data: bytes) -> None:
        match self.pair.proxy.mode:
            case Mode.SWALLOW | Mode.HANG:
                self.pair.lost_bytes = True
            case Mode.CUT_IN_FRAME if self is self.pair.back:
                self.send(data[:-1])
                self.pair.end(self)
                self.transport.abortConnection()
            case _ if self.pair.proxy.delay:
                self.pair.late = [call for call in self.pair.late if call.active()]
                later = self.pair.proxy.reactor.callLater
                self.pair.late.append(later(self.pair.proxy.delay, self.send, data))
            case _:
                self.send(data)

    def send(self, data: bytes) -> None:
        """To the other side, if it is still there."""
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.pair.end(self)


class _Front(_Side):
    """The client's connection to us."""

    def __init__(self, proxy: Proxy) -> None:
        self.pair = _Pair(proxy, self)

    def connectionMade(self) -> None:
        proxy = self.pair.proxy
        proxy.pairs.add(self.pair)
        if proxy.mode is not Mode.HANG:
            self.transport.pauseProducing()  # until there is somewhere to send to
            factory = _Dial(self.pair)
            proxy.reactor.connectTCP("127.0.0.1", proxy.target_port, factory, timeout=10)


class _Dial(ClientFactory):
    """Connects to the broker on a client's behalf."""

    noisy = False

    def __init__(self, pair: _Pair) -> None:
        self._pair = pair

    def buildProtocol(self, addr: object) -> Protocol:
        return _Back(self._pair)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._pair.abort()  # the broker refused us, so we refuse the client as well as we still can


class _Back(_Side):
    """Our connection to the broker."""

    def __init__(self, pair: _Pair) -> None:
        self.pair, self.peer = pair, pair.front
        pair.back, pair.front.peer = self, self

    def connectionMade(self) -> None:
        front = self.pair.front.transport
        # Each side reads no faster than the other writes.
        front.registerProducer(_Flow(self.transport), streaming=True)
        self.transport.registerProducer(_Flow(front), streaming=True)
        front.resumeProducing()


@dataclass(frozen=True, slots=True)
class _Flow:
    """A side as the other's producer; but its end is told to it by its pair, or not at all."""

    transport: Any

    def pauseProducing(self) -> None:
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The other side has gone: that is no order to go too."""
