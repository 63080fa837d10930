"""pika, made fit: the only importer of it. `dial` makes a protocol here, and gets a `Session` from it.

pika 1.4.4's Twisted adapter never times out a mute peer, waits on the kernel for a dead one, and
overwrites the reason of every close. So its protocol gets a core connection of our own, which
keeps pika's handshake and its channel bookkeeping, and replaces how bytes come in (`amqp_receive`),
how signs of life are kept (`amqp_heartbeat`) and how the transport is let go. Private names of pika
are overridden in this file alone; a test feeds the same bytes to stock pika and to this.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pika
from OpenSSL import SSL
from pika import connection as core
from pika import credentials, exceptions, frame
from service_identity import VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.amqp_errors import Closed, Refused
from kzrules.broker.amqp_heartbeat import Heartbeat
from kzrules.broker.amqp_receive import BadFrame, Receiver
from kzrules.broker.amqp_stock import StockReceiver
from kzrules.broker.session import Session
from kzrules.clock import Timer
from kzrules.errors import BrokerError, BrokerGone
from kzrules.sending import at_once, nowhere

if not pika.__version__.startswith("1.4."):
    raise ImportError(
        f"kzrules overrides private names of pika 1.4, and this is pika {pika.__version__}:"
        " install 'pika>=1.4.4,<1.5'"
    )

PROVEN = frozenset({"1.4.4"})
"""The versions of pika that the receive loop was held against, byte by byte."""
LINGER = 1.5
"""Seconds that a closing connection may take before it is aborted; a dead peer never closes."""
FRAME_MAX = 131_072

_log = Logger()


@dataclass(frozen=True, slots=True)
class Greeting:
    """Whom we speak to, and as whom. `name` is host:port, and safe to log; `heartbeat` in seconds."""

    server: int
    zone: str
    name: str
    virtual_host: str = "/"
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    heartbeat: float = 10.0
    connection_name: str = "kzrules"


class BrokerProtocol(Protocol):
    """What `connect` makes, besides being a Twisted protocol."""

    opened: Deferred[Session]
    """Fires once, with the session or a `BrokerError` that says what the broker said."""

    def makeConnection(self, transport: Any) -> None:  # noqa: N802  the name is Twisted's
        """Twisted's."""

    def abort(self, error: BrokerError) -> None:
        """Give up now, whatever the peer does; `opened` or the session's `on_lost` gets the error."""


class _Core(core.Connection):  # type: ignore[misc]  # pika 1.4.4 ships no types
    """pika's connection over a Twisted transport."""

    def __init__(
        self,
        greeting: Greeting,
        clock: Any,
        opened: Callable[["_Core"], None],
        failed: Callable[[BrokerError], None],
        lost: Callable[[BrokerError], None],
    ) -> None:
        self._greeting = greeting
        self._clock = clock
        self._transport: Any = None
        self._at_once: Callable[[bytes], None] = nowhere
        self._lingering: Timer | None = None
        self._ever_opened = False
        self.cause: BaseException | None = None
        self.receiver = _receiver(self)
        super().__init__(
            _parameters(greeting),
            on_open_callback=opened,
            on_open_error_callback=lambda _, error: failed(self.said(error)),
            on_close_callback=lambda _, error: lost(self.said(error)),
            internal_connection_workflow=False,
        )

    # What `session` and `channel` use.

    def write(self, data: bytes) -> None:
        """Write finished frames; nothing is written any more once the connection is being closed."""
        if self._transport is not None and self.is_open:
            self._transport.write(data)

    def write_now(self, data: bytes) -> None:
        """The same in this turn where the socket takes it: for a batch, since nothing is gathered."""
        if self.is_open:
            self._at_once(data)

    def halt(self, error: BrokerError) -> None:
        """Abort: the peer is not waited for."""
        if not self.is_closed:
            self._terminate_stream(error)

    @property
    def server_version(self) -> tuple[int, ...]:
        """As the broker's greeting has it."""
        said = (self.server_properties or {}).get("version", "")
        found = re.match(r"[0-9.]+", said if isinstance(said, str) else "")
        return tuple(int(part) for part in found.group().split(".") if part) if found else ()

    def finish(self) -> None:
        """Close with connection.close, without closing each channel first: one answer to wait for."""
        if not self.is_open:
            self.halt(BrokerGone(f"the connection to {self._greeting.name} was closed before it was open"))
            return
        self._set_connection_state(self.CONNECTION_CLOSING)
        self._error = exceptions.ConnectionClosedByClient(200, "Normal shutdown")
        self._on_close_ready()
        self._linger()

    def said(self, error: BaseException | None) -> BrokerError:
        """The one place where pika's errors, and Twisted's, become ours."""
        if isinstance(error, exceptions.ChannelClosedByBroker):
            return Refused(
                f"{self._greeting.name} closed the channel: {error.reply_code} {error.reply_text}",
                error.reply_code,
                error.reply_text,
            )
        return _said(self.cause or error, self._greeting, ever_opened=self._ever_opened)

    # What pika asks of an adapter.

    def _adapter_call_later(self, delay: float, callback: Callable[[], Any]) -> Timer:
        call: Timer = self._clock.callLater(delay, callback)
        return call

    def _adapter_remove_timeout(self, timeout_id: Timer) -> None:
        if timeout_id.active():
            timeout_id.cancel()

    def _adapter_add_callback_threadsafe(self, callback: Callable[..., None]) -> None:
        self._clock.callFromThread(callback)

    def _adapter_connect_stream(self) -> None:
        raise AssertionError("Twisted connects; pika is handed the transport")

    def _adapter_emit_data(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        self._adapter_emit_data(b"".join(marshaled_frames))

    def _adapter_disconnect_stream(self) -> None:
        """Lose the transport where the close was agreed on, and abort it where the peer may be dead."""
        self.receiver.stop()
        if self._transport is None:
            return
        if isinstance(
            self._error, (exceptions.ConnectionClosedByBroker, exceptions.ConnectionClosedByClient)
        ):
            self._transport.loseConnection()
            self._linger()
        else:
            self._abort_transport()

    def _linger(self) -> None:
        if self._lingering is None:
            self._lingering = self._clock.callLater(LINGER, self._abort_transport)

    def _abort_transport(self) -> None:
        if self._transport is not None:
            self._at_once = nowhere  # the transport itself sends nothing more from here on
            self._transport.abortConnection()

    def _terminate_stream(self, error: Exception | None) -> None:
        # The first reason is the real one; what follows from it is noise.
        self.cause = self.cause or error or self._error
        super()._terminate_stream(error)

    def _create_heartbeat_checker(self) -> Heartbeat:
        return Heartbeat(self._clock, self.params.heartbeat, self._beat, self._silent)

    def _beat(self) -> None:
        self._adapter_emit_data(frame.Heartbeat().marshal())

    def _silent(self, seconds: float) -> None:
        self._terminate_stream(
            BrokerGone(f"{self._greeting.name} gave no sign of life for {seconds:.0f} s: taken for dead")
        )

    def _on_connection_tune(self, method_frame: Any) -> None:
        super()._on_connection_tune(method_frame)
        self.receiver.frame_max = self.params.frame_max

    def _on_connection_open_ok(self, method_frame: Any) -> None:
        self._ever_opened = True
        super()._on_connection_open_ok(method_frame)

    def _on_data_available(self, data_in: bytes) -> None:
        """Every read comes through here; nothing may be raised into Twisted, which would say nothing."""
        self.bytes_received += len(data_in)
        if self._heartbeat_checker is not None:
            self._heartbeat_checker.received()
        try:
            self.receiver.feed(data_in)
        except BadFrame as error:
            self._terminate_stream(BrokerGone(f"{self._greeting.name} does not speak AMQP as we do: {error}"))
        except Exception as error:  # noqa: BLE001  logged, and the end of this connection
            _log.failure("what {name} sent could not be taken", name=self._greeting.name)
            self._terminate_stream(
                BrokerGone(f"what {self._greeting.name} sent could not be taken: {error!r}")
            )

    def by_pika(self, data: bytes) -> None:
        """Have pika itself take what was read."""
        super()._on_data_available(data)

    def other_frame(self, data: bytes) -> None:
        """A frame that the receive loop leaves to pika."""
        _, value = frame.decode_frame(data)
        self._process_frame(value)

    def connection_made(self, transport: Any) -> None:
        """Called by the protocol."""
        self._transport, self._at_once = transport, at_once(transport)
        for setting in ("setTcpNoDelay", "setTcpKeepAlive"):
            getattr(transport, setting, lambda _: None)(True)  # noqa: FBT003  Twisted's own signature
        self._on_stream_connected()

    def data_received(self, data: bytes) -> None:
        """Called by the protocol for every read."""
        self._on_data_available(data)

    def connection_lost(self, reason: Failure) -> None:
        """Called by the protocol, once; the reason that pika would overwrite is kept."""
        self._transport, self._at_once = None, nowhere
        self.receiver.stop()
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        if self._error is None:
            self._error = _how_lost(reason, self._greeting.name)
        self._on_stream_terminated(None)


def _receiver(connection: _Core) -> Receiver | StockReceiver:
    """Our receive loop; on a pika that it was not proven on, pika's own."""
    if pika.__version__ in PROVEN:
        return Receiver(connection.other_frame, FRAME_MAX)
    _say_unproven(pika.__version__)
    return StockReceiver(connection.by_pika)


@functools.cache
def _say_unproven(version: str) -> None:
    """Once a process, not once a connection."""
    _log.warn(
        "The fast path is off: it was proven on pika {proven}, and this is pika {version}. Everything works,"
        " at about a third of the speed; install that version to have it back.",
        proven=", ".join(sorted(PROVEN)),
        version=version,
    )


def _how_lost(reason: Failure, name: str) -> Exception:
    how = reason.getErrorMessage()
    match reason.value:
        case SSL.Error() if reason.value.args:
            said = "; ".join(str(part[-1]) for part in reason.value.args[0] if part)
            return BrokerGone(
                f"TLS with {name} failed: {said}; see `ca`, `certificate` and `verify` of `broker`"
            )
        case VerificationError():
            return BrokerGone(f"TLS with {name} failed: its certificate is for another host: {how}")
        case ConnectionDone():
            how = "the peer hung up"
    lost: Exception = exceptions.StreamLostError(how)
    return lost


def _parameters(greeting: Greeting) -> core.ConnectionParameters:
    host, _, port = greeting.name.rpartition(":")
    return core.ConnectionParameters(
        host=host or greeting.name,
        port=int(port or 5672),
        virtual_host=greeting.virtual_host,
        credentials=credentials.PlainCredentials(greeting.user, greeting.password, erase_on_connect=True),
        heartbeat=max(1, round(greeting.heartbeat)),
        frame_max=FRAME_MAX,
        client_properties={
            "product": "kzrules",
            "connection_name": greeting.connection_name,
            "information": "AMQP events run rules",
        },
    )


def _said(  # noqa: PLR0911  one case an error of pika
    error: BaseException | None, greeting: Greeting, *, ever_opened: bool
) -> BrokerError:
    name = greeting.name
    match error:
        case BrokerError():
            return error
        case exceptions.ConnectionClosedByBroker() if ever_opened:
            words = f"{error.reply_code} {error.reply_text}"
            return Closed(f"{name} closed the connection: {words}", error.reply_code, error.reply_text)
        case exceptions.ConnectionClosedByBroker():
            what = {
                403: f"the login of user {greeting.user!r}",
                530: f"the virtual host {greeting.virtual_host!r} to user {greeting.user!r}",
            }.get(error.reply_code, "the connection")
            words = f"{error.reply_code} {error.reply_text}"
            return Refused(f"{name} refused {what}: {words}", error.reply_code, error.reply_text)
        case exceptions.ProbableAuthenticationError():
            return BrokerGone(f"{name} hung up during the login of {greeting.user!r}: is its password right?")
        case exceptions.ProbableAccessDeniedError():
            return BrokerGone(f"{name} hung up while opening the virtual host {greeting.virtual_host!r}")
        case exceptions.IncompatibleProtocolError():
            return BrokerGone(f"{name} hung up before it said anything: does it speak AMQP 0-9-1 there?")
        case exceptions.ConnectionClosedByClient():
            return BrokerGone(f"the connection to {name} was closed by us")
        case exceptions.AMQPError() if error.args:
            return BrokerGone(f"the connection to {name} is lost: {error.args[0]}")
        case _:
            return BrokerGone(f"the connection to {name} is lost: {error!r}")


@functools.cache
def _protocol_class() -> type[Any]:
    # Importing pika's adapter installs the default reactor: only once something dials, when
    # twistd has chosen one.
    from pika.adapters.twisted_connection import TwistedProtocolConnection  # noqa: PLC0415  see above

    class KzProtocol(TwistedProtocolConnection):  # type: ignore[misc]  # pika 1.4.4 ships no types
        """pika's protocol around our core connection; `opened` says what became of the handshake."""

        def __init__(self, greeting: Greeting, reactor: Any) -> None:
            super().__init__(_parameters(greeting), reactor)
            self.ready = None  # `opened` stands in for it: it fires with the real reason
            self.opened: Deferred[Session] = Deferred()
            self._greeting = greeting
            self._clock = reactor
            self._session: Session | None = None
            self._impl = _Core(greeting, reactor, self._is_open, self._has_failed, self._is_lost)

        def abort(self, error: BrokerError) -> None:
            self._impl.halt(error)

        def _is_open(self, impl: _Core) -> None:
            greeting = self._greeting
            self._session = Session(impl, greeting.server, greeting.zone, greeting.name, self._clock)
            self.opened.callback(self._session)

        def _has_failed(self, error: BrokerError) -> None:
            if not self.opened.called:
                self.opened.errback(error)

        def _is_lost(self, error: BrokerError) -> None:
            if self._session is not None:
                self._session.lost(error)

    return KzProtocol


def connect(greeting: Greeting, reactor: Any) -> BrokerProtocol:
    """A protocol that greets the broker as soon as it has a transport."""
    protocol: BrokerProtocol = _protocol_class()(greeting, reactor)
    return protocol
