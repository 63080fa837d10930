"""One channel: declares, consumes, settles and publishes. Opened by `session`, used by the rest of `broker`.

What it asks (declare, bind, consume) goes the way of `channel_asking`, through pika's core channel.
What is sent for every message is written as finished bytes, and what arrives comes from
`amqp_receive`, past pika.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kzrules.broker import amqp_frames as frames
from kzrules.broker.amqp_frames import Outgoing as Outgoing  # noqa: PLC0414  for those who publish
from kzrules.broker.amqp_receive import Arrivals, Returned
from kzrules.broker.channel_asking import Arguments, Asking
from kzrules.errors import BrokerError, BrokerGone
from kzrules.message.delivery import Delivery, Source

if TYPE_CHECKING:
    from kzrules.broker.session import Session

_log = Logger()


def _ignore(*_: Any) -> None:
    """Where pika wants a callback for what never reaches it."""


class Channel(Asking):
    """One channel of one session. `generation` is never used twice in this process."""

    def __init__(self, session: "Session") -> None:
        super().__init__(session)
        self.sequence = 0
        """The publish sequence number of the last message, where confirms are on."""
        self.source: Source | None = None
        self.batch: list[Delivery] = []
        self._confirms = False
        self._no_ack = False
        self._arrivals = Arrivals()
        self._number = 0
        self._write, self._write_now = session.core.write, session.core.write_now
        self._frame_max = session.core.receiver.frame_max
        self._getting: tuple[str, Deferred[Delivery | None]] | None = None
        self._on_deliveries: Callable[[list[Delivery]], None] = _ignore
        self._on_cancelled: Callable[[], None] = _ignore
        self._on_confirm: Callable[[int, bool, bool], None] = _ignore
        self._on_return: Callable[[int, str, str, str, bytes, bytes], None] = _ignore
        self._on_closed: list[Callable[[BrokerError], None]] = []

    # Life

    async def open(self, *, confirms: bool, prefetch: int) -> None:
        """Called by `Session.open_channel` only."""
        await self._ask("channel.open", self._start)
        if prefetch:
            await self._ask("basic.qos", lambda done: self._core.basic_qos(0, prefetch, callback=done))
        if confirms:
            await self._ask(
                "confirm.select", lambda done: self._core.confirm_delivery(self._arrivals.confirmed, done)
            )
            self._confirms = True

    def _start(self, done: Callable[[Any], None]) -> None:
        self._core = self.session.core.channel(None, done)
        self._number = self._core.channel_number
        self._arrivals = self.session.core.receiver.attach(self._number, self, self._core)
        self._core.add_on_close_callback(self._closed)
        self._core.add_on_cancel_callback(self._cancelled)

    def on_closed(self, callback: Callable[[BrokerError], None]) -> None:
        """Call back once when the channel is gone, at once where it is gone already."""
        if self._gone is not None:
            callback(self._gone)
        else:
            self._on_closed.append(callback)

    async def close(self) -> None:
        """Close it; what was delivered and not settled goes back to its queue."""
        if self._gone is None:
            await self._ask("channel.close", self._finish)

    def _finish(self, done: Callable[[Any], None]) -> None:
        self.source = None
        self.on_closed(lambda _: done(None))
        self._core.close(200, "done")

    def _closed(self, _core: Any, reason: BaseException) -> None:
        self._gone = error = self.session.core.said(reason)
        self.source = None
        self.batch.clear()
        self.session.core.receiver.forget(self._number)
        callbacks, self._on_closed = self._on_closed, []
        for callback in callbacks:
            self._guarded(callback, error)
        got = self._getting
        self._getting = None
        for waiting in (self._asked, got and got[1]):
            if waiting is not None and not waiting.called:
                waiting.errback(error)

    # Consuming

    async def consume(
        self,
        queue: str,
        source: Source,
        on_deliveries: Callable[[list[Delivery]], None],
        on_cancelled: Callable[[], None],
        *,
        exclusive: bool = False,
        no_ack: bool = False,
        arguments: Arguments | None = None,
    ) -> str:
        """basic.consume, once a channel: a watermark has room for one consumer only.

        Deliveries of one read come in one call. `on_cancelled` says that the broker ended the
        consumer (its queue was deleted, or moved) while the channel stays open.
        """
        if self.source is not None:
            raise ValueError(f"this channel consumes already, from {self.source.queue}")
        self.source, self._no_ack = source, no_ack
        self._on_deliveries, self._on_cancelled = on_deliveries, on_cancelled
        values = dict(arguments or {})
        answer = await self._ask(
            "basic.consume",
            lambda done: self._core.basic_consume(
                queue,
                self._arrivals.delivered,
                auto_ack=no_ack,
                exclusive=exclusive,
                arguments=values,
                callback=done,
            ),
        )
        return str(answer.method.consumer_tag)

    async def cancel(self, tag: str) -> None:
        """basic.cancel. What comes after it is given back at once, so the queue's other consumers get it."""
        if tag not in self._core.consumer_tags:
            return  # the broker was faster
        if not self._no_ack:
            self.source = None
        await self._ask("basic.cancel", lambda done: self._core.basic_cancel(tag, done))
        self.source = None

    async def get(self, queue: str) -> Delivery | None:
        """basic.get: one message, to be settled like any other, or None where there is none."""
        delivery: Delivery | None = await self._ask("basic.get", lambda done: self._get(queue, done))
        return delivery

    def _get(self, queue: str, done: Callable[[Any], None]) -> None:
        got: Deferred[Delivery | None] = Deferred()
        got.addCallbacks(done, _ignore)
        self._getting = (queue, got)
        if self._arrivals.get is not None:
            self._arrivals.get(queue)
        else:
            self._write(frames.get(self._number, queue))

    # What arrives: called by `amqp_receive`

    def take_batch(self) -> None:
        """Hand over what one read brought."""
        batch, self.batch = self.batch, []
        if not self._guarded(self._on_deliveries, batch) and not self._no_ack:
            self._fail("its deliveries could not be taken")

    def take_unwanted(self, tag: int) -> None:
        """Came after cancel: nack gives it back without counting it as a failed delivery."""
        if not self._no_ack:
            self.nack(tag, multiple=False, requeue=True)

    def take_returned(self, returned: Returned) -> None:
        """basic.return."""
        self._guarded(self._on_return, *returned)

    def take_got(self, got: Delivery) -> None:
        """basic.get-ok."""
        if self._getting is not None:
            (queue, getting), self._getting = self._getting, None
            source = Source("", queue, self.session.zone, self.session.server, self.generation)
            getting.callback(got._replace(source=source))

    def take_nothing(self) -> None:
        """basic.get-empty."""
        if self._getting is not None:
            (_, got), self._getting = self._getting, None
            got.callback(None)

    def take_confirm(self, tag: int, *, multiple: bool, ok: bool) -> None:
        """basic.ack or basic.nack of something that we published."""
        self._guarded(self._on_confirm, tag, multiple, ok)

    def _cancelled(self, _method: Any) -> None:
        self.source = None
        self._guarded(self._on_cancelled)

    def _guarded(self, callback: Callable[..., None], *arguments: Any) -> bool:
        try:
            callback(*arguments)
        except Exception:  # noqa: BLE001  raised into a read, it would cost everybody the connection
            _log.failure("a callback of channel {generation} failed", generation=self.generation)
            return False
        return True

    def _fail(self, why: str) -> None:
        """Close without waiting: unsettled deliveries go back, and whoever uses the channel is told."""
        if self.is_open:
            _log.error("channel {generation} is closed: {why}", generation=self.generation, why=why)
            self._core.close(541, why)

    # Settling and publishing

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        """basic.ack; nothing where the channel is gone, whose deliveries come again anyway."""
        if self.is_open:
            self._write(frames.ack(self._number, tag, multiple=multiple))

    def ack_all(self, acks: Iterable[tuple[int, bool]]) -> None:
        """basic.ack for each (tag, multiple), in one write."""
        if self.is_open:
            number = self._number
            self._write_now(b"".join(frames.ack(number, tag, multiple=multiple) for tag, multiple in acks))

    def reject(self, tag: int, *, requeue: bool) -> None:
        """basic.reject."""
        if self.is_open:
            self._write(frames.reject(self._number, tag, requeue=requeue))

    def nack(self, tag: int, *, multiple: bool, requeue: bool) -> None:
        """basic.nack."""
        if self.is_open:
            self._write(frames.nack(self._number, tag, multiple=multiple, requeue=requeue))

    def on_confirm(self, callback: Callable[[int, bool, bool], None]) -> None:
        """Call back with (tag, multiple, ok) for each ack and nack of what we published."""
        self._on_confirm = callback

    def on_return(self, callback: Callable[[int, str, str, str, bytes, bytes], None]) -> None:
        """Call back with (code, text, exchange, routing key, properties, body); the confirm follows."""
        self._on_return = callback

    def publish(
        self, exchange: str, routing_key: str, body: bytes, properties: bytes, *, mandatory: bool = True
    ) -> int:
        """basic.publish; its sequence number where confirms are on. Raises before anything is written."""
        return self.publish_batch((Outgoing(exchange, routing_key, body, properties, mandatory),))

    def publish_batch(self, messages: Iterable[Outgoing]) -> int:
        """Publish in one write; the sequence number of the last one, the others come right before it."""
        if not self.is_open:
            raise self._gone or BrokerGone(f"the channel to {self.session.name} is being closed")
        number, frame_max = self._number, self._frame_max
        written = [frames.publish(number, message, frame_max) for message in messages]
        self._write_now(b"".join(written))
        if self._confirms:
            self.sequence += len(written)
        return self.sequence
