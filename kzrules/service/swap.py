"""The moment in which new rules take over: everything here happens in one turn of the reactor.

Called by `reload` when all that can go wrong has gone well. What ends slowly (a consumer whose
subscription is gone, bindings that nobody wants) goes on behind it and disturbs nobody.
"""

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kzrules.broker import topology
from kzrules.broker.consumer import Consumer
from kzrules.errors import BrokerError
from kzrules.language.program import SubscriptionSpec
from kzrules.service.change import Change, Key, unbound
from kzrules.service.history import Loading
from kzrules.service.parts import Parts

_log = Logger()


def swap(parts: Parts, new: Loading, change: Change) -> None:
    """From now on these rules run."""
    old, parts.book = parts.book, new.book
    new.book.tables.take_over()
    queues = {key: consumer.spec.queue.name for key, consumer in parts.consumers.items()}
    ending = {key: parts.retire(key, old) for key in (*change.removed, *change.replaced)}
    for key in change.changed:
        _change(parts, key, new.book.subscriptions[key[0]])
    for key in (*change.added, *change.replaced):
        same = queues.get(key) == new.book.subscriptions[key[0]].queue.name
        _begin(parts, key, ending.get(key) if same else None)
    parts.consumers = {key: parts.consumers[key] for key in parts.wanted(new.book)}  # in the rules' order
    if parts.timing:
        parts.keep_timers()
    for name in parts.blocks.keep_after(new.after_names):
        _log.info("after {name}: it waited, and the new rules have no such block", name=name)


def _begin(parts: Parts, key: Key, after: "Deferred[None] | None") -> None:
    """A new consumer; where it takes the same queue as one that ends, it waits for that end."""
    consumer = parts.consumers[key] = parts.consumer(*key)
    link = parts.consuming[key[1]]

    def use(_: object = None) -> None:
        if parts.consumers.get(key) is consumer and link.session is not None:
            consumer.use(link.session)

    if after is None:
        use()
    else:
        after.addCallback(use)
    link.start()


def _change(parts: Parts, key: Key, spec: SubscriptionSpec) -> None:
    consumer = parts.consumers[key]
    old = consumer.spec
    consumer.become(spec, partial(topology.declare, spec=spec))
    queue, session = consumer.health.queue, parts.consuming[key[1]].session
    gone = unbound(old, spec, parts.book.subscriptions.values())
    if gone and queue is not None and session is not None:
        unbinding = Deferred.fromCoroutine(_unbind(session, queue, gone))
        unbinding.addErrback(_kept, consumer, gone)


async def _unbind(session: Any, queue: str, gone: tuple[tuple[str, str], ...]) -> None:
    channel = await session.open_channel()
    for exchange, key in gone:
        await channel.unbind_queue(queue, exchange, key)
    await channel.close()


def _kept(failure: Any, consumer: Consumer, gone: tuple[tuple[str, str], ...]) -> None:
    failure.trap(BrokerError)
    _log.warn(
        "{name}: bindings that the new rules do not have could not be taken away ({bindings}): {why}",
        name=consumer.spec.name,
        bindings=", ".join(f"{exchange} {key}" for exchange, key in gone),
        why=failure.getErrorMessage(),
    )
