"""pika's own way of receiving, where its version is one that `amqp_receive` was not proven on.

Made by `amqp` in the receiver's place. Slower by more than half, and with what pika's codec loses
(decimal headers become integers); everything that depends on private names is out of the way.
"""

from collections.abc import Callable
from typing import Any

from pika import spec

from kzrules.broker.amqp_receive import NO_SOURCE, Arrivals, Inbound, Returned
from kzrules.message.delivery import Delivery, Source


class StockReceiver:
    """Hands every read to pika, and what pika's callbacks bring to the channels, batch by batch."""

    def __init__(self, by_pika: Callable[[bytes], None]) -> None:
        self.stopped = False
        self.frame_max = 131_072
        self._by_pika = by_pika
        self._touched: list[Inbound] = []

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        if not self.stopped:
            self._by_pika(data)
            self._flush()

    def stop(self) -> None:
        """The connection ends: whatever else comes is dropped."""
        self.stopped = True

    def attach(self, _number: int, inbound: Inbound, core: Any) -> Arrivals:
        """What arrives on pika's channel `core` is for `inbound`."""

        def delivered(_: Any, method: Any, properties: Any, body: bytes) -> None:
            if inbound.source is None:
                inbound.take_unwanted(method.delivery_tag)
                return
            if not inbound.batch:
                self._touched.append(inbound)
            inbound.batch.append(_delivery(inbound.source, method, properties, body))

        def got(_: Any, method: Any, properties: Any, body: bytes) -> None:
            inbound.take_got(_delivery(NO_SOURCE, method, properties, body))

        def returned(_: Any, method: Any, properties: Any, body: bytes) -> None:
            where = method.exchange, method.routing_key
            raw = _raw(properties)
            inbound.take_returned(Returned(method.reply_code, method.reply_text, *where, raw, body))

        def confirmed(answer: Any) -> None:
            method = answer.method
            ok = isinstance(method, spec.Basic.Ack)
            inbound.take_confirm(method.delivery_tag, multiple=method.multiple, ok=ok)

        core.add_on_close_callback(lambda *_: self._flush())  # first what came before the end
        core.add_on_cancel_callback(lambda _: self._flush())
        core.add_on_return_callback(returned)
        core.add_callback(lambda _: inbound.take_nothing(), [spec.Basic.GetEmpty], False)  # noqa: FBT003  pika's
        return Arrivals(delivered, confirmed, lambda queue: core.basic_get(queue, got))

    def forget(self, number: int) -> None:
        """The channel is closed; pika forgets its callbacks by itself."""

    def _flush(self) -> None:
        touched, self._touched = self._touched, []
        for inbound in touched:
            if inbound.batch:
                inbound.take_batch()


def _delivery(source: Source, method: Any, properties: Any, body: bytes) -> Delivery:
    where = method.exchange, method.routing_key
    return Delivery(source, method.delivery_tag, method.redelivered, *where, _raw(properties), body)


def _raw(properties: Any) -> bytes:
    """The flags and list again, from what pika made of them."""
    return b"".join(properties.encode())
