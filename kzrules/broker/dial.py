"""From a broker's URL to an open session: one attempt, and a race of attempts. Used by `link`.

Brokers are tried in their order, each a short while after the one before it has not answered, and
at once where it has refused: two dead brokers at the head of the list cost a fraction of a second,
not two timeouts. The first to finish the handshake wins; the others are aborted.
"""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IResolutionReceiver,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kzrules.broker.session import Session
from kzrules.broker.tls import client_options
from kzrules.broker.zones import Server
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerError, BrokerGone
from kzrules.language.program import BrokerSpec

ADDRESS_DELAY = 0.1
"""Seconds after which the next address of a name is tried beside the one that has not answered."""

_log = Logger()

Dial = Callable[[Server, int], Deferred[Any]]
"""Gives an `amqp.BrokerProtocol` once there is a transport. The number turns the list of addresses."""


def dialler(
    spec: BrokerSpec, login: tuple[str, str] | None, reactor: Any, connection_name: str = "kzrules"
) -> Dial:
    """Dials over TCP or TLS. `login` stands above the login of a URL; without either it is guest."""
    if not spec.verify:
        _log.warn("`verify: false`: the certificates of brokers are not checked")

    def dial(server: Server, turn: int) -> Deferred[Any]:
        # Here, not above: pika's adapter takes the reactor that is there when it is imported.
        from kzrules.broker import amqp  # noqa: PLC0415  see above

        user, password = login or (server.user or "guest", server.password or "guest")
        greeting = amqp.Greeting(
            server=server.number,
            zone=server.zone,
            name=server.name,
            virtual_host=server.virtual_host,
            user=user,
            password=password,
            heartbeat=spec.heartbeat,
            connection_name=connection_name,
        )
        endpoint: Any = HostnameEndpoint(
            _Turned(reactor, turn),
            server.host,
            server.port,
            timeout=spec.connection_timeout,
            attemptDelay=ADDRESS_DELAY,
        )
        if server.tls:
            endpoint = wrapClientTLS(client_options(server.host, spec), endpoint)
        connecting: Deferred[Any] = endpoint.connect(_Once(lambda: amqp.connect(greeting, reactor)))
        return connecting

    return dial


class _Once(Factory):
    """Makes the protocol of one connection."""

    noisy = False

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  the name is Twisted's
        del addr
        return self._make()


@implementer(IReactorPluggableNameResolver, IReactorTime, IReactorTCP, IHostnameResolver)
class _Turned:
    """A reactor whose name resolver starts with another address each turn.

    An address may take the connection and then be mute; happy eyeballs would prefer it for ever.
    """

    def __init__(self, reactor: Any, turn: int) -> None:
        self._reactor = reactor
        self._turn = turn
        self.nameResolver = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def resolveHostName(self, receiver: Any, host: str, *arguments: Any, **named: Any) -> Any:  # noqa: N802  the name is Twisted's
        """Twisted's own, with the addresses gathered and turned on their way back."""
        turned = _TurnedAddresses(receiver, self._turn)
        return self._reactor.nameResolver.resolveHostName(turned, host, *arguments, **named)


@implementer(IResolutionReceiver)
class _TurnedAddresses:
    """Gathers the addresses of a name, and passes them on from another start."""

    def __init__(self, receiver: Any, turn: int) -> None:
        self._receiver = receiver
        self._turn = turn
        self._found: list[Any] = []

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802  the name is Twisted's
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802  the name is Twisted's
        self._found.append(address)

    def resolutionComplete(self) -> None:  # noqa: N802  the name is Twisted's
        start = self._turn % len(self._found) if self._found else 0
        for address in self._found[start:] + self._found[:start]:
            self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()


class Attempt:
    """One broker, tried once: connect, then the handshake, each with its own limit."""

    def __init__(  # noqa: PLR0917  what may become of it, one callback each
        self,
        server: Server,
        clock: Clock,
        limits: tuple[float, float],
        connected: Callable[[], None],
        opened: Callable[["Attempt", Session], None],
        failed: Callable[["Attempt", BrokerError], None],
    ) -> None:
        self.server = server
        self._clock = clock
        self._connect_limit, self._handshake_limit = limits
        self._connected = connected
        self._opened = opened
        self._failed = failed
        self._over = False
        self._protocol: Any = None
        self._dialling: Deferred[Any] | None = None
        self._timer: Timer | None = None

    def start(self, dial: Dial, turn: int) -> None:
        """Go; one of the callbacks says how it ended."""
        self._timer = self._clock.callLater(self._connect_limit, self._too_late)
        try:
            self._dialling = dial(self.server, turn)
        except Exception as error:  # noqa: BLE001  a certificate that cannot be read, a bad name
            self._end(error if isinstance(error, BrokerError) else BrokerGone(f"{self.server.name}: {error}"))
            return
        self._dialling.addCallbacks(self._take, self._unreachable)
        self._dialling.addErrback(
            lambda failure: _log.failure("dialling {name}", failure, name=self.server.name)
        )

    def abort(self) -> None:
        """Nobody wants it any more: nothing of it is left, no callback comes."""
        self._drop(BrokerGone(f"the attempt to connect to {self.server.name} was given up"))

    def _take(self, protocol: Any) -> None:
        self._protocol = protocol
        if self._over:
            protocol.opened.addErrback(lambda _: None)
            protocol.abort(BrokerGone(f"{self.server.name} came too late"))
            return
        self._wait(self._handshake_limit)
        protocol.opened.addCallbacks(self._ready, lambda failure: self._end(failure.value))
        if not self._over:
            self._connected()

    def _ready(self, session: Session) -> None:
        if self._over:
            session.abort()
            return
        self._over = True
        self._wait(None)
        self._opened(self, session)

    def _unreachable(self, failure: Failure) -> None:
        self._end(BrokerGone(f"{self.server.name} cannot be reached: {failure.getErrorMessage()}"))

    def _too_late(self) -> None:
        if self._protocol is None:
            said = f"did not take the connection within {self._connect_limit:g} s"
        else:
            said = f"took the connection, and did not finish the handshake within {self._handshake_limit:g} s"
        self._end(BrokerGone(f"{self.server.name} {said}"))

    def _end(self, error: BrokerError) -> None:
        if not self._over:
            self._drop(error)
            self._failed(self, error)

    def _drop(self, error: BrokerError) -> None:
        self._over = True
        self._wait(None)
        if self._protocol is not None:
            self._protocol.abort(error)
        elif self._dialling is not None:
            self._dialling.cancel()

    def _wait(self, limit: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if limit is not None:
            self._timer = self._clock.callLater(limit, self._too_late)


class Race:
    """Attempts at several brokers, one begun after the other; the first session wins."""

    def __init__(  # noqa: PLR0917  what may become of it, one callback each
        self,
        clock: Clock,
        limits: tuple[float, float],
        connected: Callable[[], None],
        opened: Callable[[Server, Session], None],
        failed: Callable[[Server, BrokerError], None],
        exhausted: Callable[[BrokerError], None],
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._connected = connected
        self._opened = opened
        self._failed = failed
        self._exhausted = exhausted
        self._running: list[Attempt] = []
        self._waiting: list[Server] = []
        self._next: Timer | None = None
        self._over = False

    def start(self, dial: Dial, candidates: Iterable[Server], turn: int) -> None:
        """Begin with the first."""
        self._dial, self._turn = dial, turn
        self._waiting = list(candidates)
        self._begin_next()

    def abort(self) -> None:
        """Give up all of them; no callback comes."""
        self._over = True
        self._cancel_next()
        running, self._running = self._running, []
        for attempt in running:
            attempt.abort()

    def _begin_next(self) -> None:
        self._cancel_next()
        server = self._waiting.pop(0)
        attempt = Attempt(
            server, self._clock, self._limits, self._connected, self._attempt_opened, self._attempt_failed
        )
        self._running.append(attempt)
        if self._waiting:
            self._next = self._clock.callLater(self._limits[0] / 4, self._begin_next)
        attempt.start(self._dial, self._turn)

    def _attempt_opened(self, attempt: Attempt, session: Session) -> None:
        self._running.remove(attempt)
        self.abort()
        self._opened(attempt.server, session)

    def _attempt_failed(self, attempt: Attempt, error: BrokerError) -> None:
        self._running.remove(attempt)
        if self._over:
            return
        self._failed(attempt.server, error)
        if self._waiting:
            self._begin_next()
        elif not self._running:
            self._over = True
            self._exhausted(error)

    def _cancel_next(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._next = None
