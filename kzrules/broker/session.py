"""One open connection to one broker: opens channels, and says when it is blocked or lost.

Made by `amqp` when the handshake is done, handed on by `link`. It lives once: the next
connection is another session.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kzrules.broker.channel import Channel
from kzrules.errors import BrokerError, BrokerGone

if TYPE_CHECKING:
    from kzrules.broker.amqp_receive import Receiver
    from kzrules.broker.amqp_stock import StockReceiver
    from kzrules.clock import Clock

RPC_LIMIT = 75.0
"""Seconds that the broker may take to answer a declaration. A survivor of a silent cluster node
may need 65 s for a binding; a broker that needs longer is given up, with its connection."""

_log = Logger()


class Core(Protocol):
    """The part of `amqp`'s connection that sessions and channels use."""

    receiver: "Receiver | StockReceiver"

    @property
    def is_open(self) -> bool:
        """Whether channels can be opened and frames written."""

    @property
    def server_version(self) -> tuple[int, ...]:
        """What the broker calls its version; empty where it says nothing that can be read."""

    def channel(self, channel_number: int | None, on_open_callback: Callable[[Any], None]) -> Any:
        """As pika has it."""

    def add_on_connection_blocked_callback(self, callback: Callable[[Any, Any], None]) -> None:
        """As pika has it."""

    def add_on_connection_unblocked_callback(self, callback: Callable[[Any, Any], None]) -> None:
        """As pika has it."""

    def write(self, data: bytes) -> None:
        """Write finished frames."""

    def write_now(self, data: bytes) -> None:
        """The same in this turn, where the socket takes it."""

    def halt(self, error: BrokerError) -> None:
        """Abort."""

    def finish(self) -> None:
        """Close."""

    def said(self, error: BaseException | None) -> BrokerError:
        """The error as ours."""


class Session:
    """One open connection. `server` is the broker's number, `name` its host and port."""

    def __init__(self, core: Core, server: int, zone: str, name: str, clock: "Clock") -> None:
        self.server = server
        self.zone = zone
        self.name = name
        self.server_version = core.server_version
        """RabbitMQ's version, for what differs between them: (3, 10, 8)."""
        self.blocked = False
        self.why_blocked = ""
        self.clock = clock
        self.rpc_limit = RPC_LIMIT
        self.core = core
        self._gone: BrokerError | None = None
        self._on_lost: list[Callable[[BrokerError], None]] = []
        self._on_blocked: list[Callable[[bool], None]] = []
        self._closing: list[Deferred[None]] = []
        core.add_on_connection_blocked_callback(lambda _, method: self._set_blocked(method.method.reason))
        core.add_on_connection_unblocked_callback(lambda _, __: self._set_blocked(None))

    @property
    def host(self) -> str:
        """The broker's host alone, as connection events tell it."""
        return self.name.rpartition(":")[0].strip("[]")

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return self._gone is None and self.core.is_open

    async def open_channel(self, *, confirms: bool = False, prefetch: int = 0) -> Channel:
        """A new channel; with `confirms` its confirm mode is on before anything can be published."""
        if not self.is_open:
            raise self._gone or BrokerGone(f"the connection to {self.name} is being closed")
        channel = Channel(self)
        await channel.open(confirms=confirms, prefetch=prefetch)
        return channel

    def on_lost(self, callback: Callable[[BrokerError], None]) -> None:
        """Call back once when the connection is gone, at once where it is gone already."""
        if self._gone is not None:
            callback(self._gone)
        else:
            self._on_lost.append(callback)

    def on_blocked(self, callback: Callable[[bool], None]) -> None:
        """Call back when the broker stops (True) and goes on (False) reading what is published."""
        self._on_blocked.append(callback)

    def close(self) -> Deferred[None]:
        """Close in order, or after a short while without; fires when the connection is gone."""
        done: Deferred[None] = Deferred()
        if self._gone is not None:
            done.callback(None)
            return done
        self._closing.append(done)
        if len(self._closing) == 1:
            self.core.finish()
        return done

    def abort(self, error: BrokerError | None = None) -> None:
        """Drop the connection now."""
        if self._gone is None:
            self.core.halt(error or BrokerGone(f"the connection to {self.name} was dropped by us"))

    def lost(self, error: BrokerError) -> None:
        """Called by `amqp`, once, after every channel was told."""
        self._gone = error
        callbacks, self._on_lost = self._on_lost, []
        self._on_blocked.clear()
        for callback in callbacks:
            guarded(callback, error)
        closing, self._closing = self._closing, []
        for done in closing:
            done.callback(None)

    def _set_blocked(self, reason: str | None) -> None:
        self.blocked = reason is not None
        self.why_blocked = reason or ""
        for callback in list(self._on_blocked):
            guarded(callback, self.blocked)


def guarded(callback: Callable[..., object], *arguments: Any) -> bool:
    """Call back; what it raises is logged and ends here, not in the middle of a read."""
    try:
        callback(*arguments)
    except Exception:  # noqa: BLE001  whatever it is, the other callbacks and the connection go on
        _log.failure("a callback of a broker connection failed: {callback!r}", callback=callback)
        return False
    return True
