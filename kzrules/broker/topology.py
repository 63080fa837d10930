"""Exchanges, queues and bindings as the rules declare them. Called by `consumer` for each subscription.

`declare` makes everything; after a reconnect to another node of a cluster it is faster to consume
first (`queue_to_consume`) and to declare only after a 404: a survivor may need a minute to bind
while it still believes in its dead neighbour.
"""

from collections.abc import Iterator
from dataclasses import replace

from twisted.logger import Logger

from kzrules.broker.amqp_errors import Refused
from kzrules.broker.channel import Channel
from kzrules.language.program import ExchangeSpec, QueueSpec, SubscriptionSpec

NOT_FOUND, DIFFERS = 404, 406
DELIVERY_LIMIT = "x-delivery-limit"

_log = Logger()


async def declare(channel: Channel, spec: SubscriptionSpec) -> str:
    """Declare and bind; the queue's name, which the broker made up where the spec has none.

    A refusal closes the channel and is a `Refused` that says which declaration it was.
    """
    if spec.exchange is not None:
        await declare_exchange(channel, spec.exchange)
    queue = await declare_queue(channel, spec.queue)
    await bind(channel, spec, queue)
    return queue


async def extend(channel: Channel, spec: SubscriptionSpec, queue: str | None) -> None:
    """Declare what a subscription needs before it is consumed by. `queue` is the one that it consumes
    already; one without a name is made when its consumer begins.
    """
    if spec.exchange is not None:
        await declare_exchange(channel, spec.exchange)
    if queue is None and spec.queue.name:
        queue = await declare_queue(channel, spec.queue)
    if queue is not None:
        await bind(channel, spec, queue)


async def bind(channel: Channel, spec: SubscriptionSpec, queue: str) -> None:
    """Bind the queue to its exchange, once for each routing key, and once with none where there is none."""
    if spec.exchange is None or not spec.exchange.name:
        return
    for key in spec.routing or ("",):
        await channel.bind_queue(queue, spec.exchange.name, key)


def queue_to_consume(spec: SubscriptionSpec) -> str | None:
    """The queue that may still be there after a reconnect; None where it went with its connection."""
    if not spec.queue.name or spec.queue.exclusive or spec.queue.auto_delete:
        return None
    return spec.queue.name


async def declare_exchange(channel: Channel, exchange: ExchangeSpec) -> None:
    """An exchange with the exchanges that it is bound to; the broker's own ones are there already."""
    if exchange.name and not exchange.name.startswith("amq."):
        try:
            await channel.declare_exchange(exchange)
        except Refused as refused:
            raise _explained(refused, f"exchange {exchange.name!r}", _wanted_exchange(exchange)) from refused
    for binding in exchange.bindings:
        await declare_exchange(channel, binding.source)
        for key in binding.routing or ("",):
            await channel.bind_exchange(exchange.name, binding.source.name, key, binding.arguments)


async def declare_queue(channel: Channel, queue: QueueSpec) -> str:
    """A queue with the arguments that its type means."""
    try:
        if _needs_limit(channel, queue):
            return await _without_delivery_limit(channel, queue)
        return await channel.declare_queue(as_declared(queue))
    except Refused as refused:
        raise _explained(refused, f"queue {queue.name!r}", _wanted_queue(queue)) from refused


def as_declared(queue: QueueSpec) -> QueueSpec:
    """The queue with its type as an argument. A quorum queue is durable and nobody's own."""
    if queue.type is None or queue.passive:
        return queue
    arguments = {"x-queue-type": queue.type, **queue.arguments}
    if queue.type == "quorum":
        return replace(queue, durable=True, exclusive=False, auto_delete=False, arguments=arguments)
    return replace(queue, arguments=arguments)


def _needs_limit(channel: Channel, queue: QueueSpec) -> bool:
    """RabbitMQ 4 drops a message of a quorum queue after 20 deliveries that failed, and counts lost
    connections among them. Ours end by the failure policy instead. 3.10 has no limit, and no -1.
    """
    return (
        queue.type == "quorum"
        and not queue.passive
        and DELIVERY_LIMIT not in queue.arguments
        and channel.session.server_version >= (4,)
    )


async def _without_delivery_limit(channel: Channel, queue: QueueSpec) -> str:
    """On a channel of its own: a queue from before an upgrade has no limit argument, and says 406."""
    aside = await channel.session.open_channel()
    try:
        wanted = replace(queue, arguments={**queue.arguments, DELIVERY_LIMIT: -1})
        name = await aside.declare_queue(as_declared(wanted))
    except Refused as refused:
        if refused.code != DIFFERS or DELIVERY_LIMIT not in refused.text:
            raise
        _log.warn(
            "queue {name} exists with the broker's own delivery limit: messages that are redelivered too"
            " often are dropped there; set the policy `delivery-limit: -1` for it",
            name=queue.name,
        )
        return await channel.declare_queue(as_declared(queue))
    await aside.close()
    return name


def _explained(refused: Refused, what: str, wanted: str) -> Refused:
    match refused.code:
        case 406:
            advice = (
                "declare it as it is there, write `passive: true` to take it as it is, or use another name"
            )
        case 404:
            advice = "make it first, or take away `passive: true`"
        case 403:
            advice = "let the user of this connection configure it"
        case 405:
            advice = "another connection holds it exclusively: use another name"
        case _:
            return refused
    text = f"{what} cannot be declared {wanted}: {refused.code} {refused.text}; {advice}"
    return Refused(text, refused.code, refused.text)


def _wanted_exchange(exchange: ExchangeSpec) -> str:
    words = ["passive"] if exchange.passive else [f"as type {exchange.type}", *_flags(exchange)]
    return ", ".join(words)


def _wanted_queue(queue: QueueSpec) -> str:
    if queue.passive:
        return "passive"
    full = as_declared(queue)
    arguments = (f"{name}: {value}" for name, value in full.arguments.items())
    return "as " + (", ".join((*_flags(full), *arguments)) or "not durable")


def _flags(spec: ExchangeSpec | QueueSpec) -> Iterator[str]:
    yield "durable" if spec.durable else "not durable"
    for name in ("auto_delete", "exclusive", "internal"):
        if getattr(spec, name, False):
            yield name
