"""How the parts come to an end: consume no more, finish what is in hand, wait for confirms, close.

In this order nothing is lost; each step has its share of one limit. Called by `service`.
"""

from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from kzrules.service.parts import Parts

_log = Logger()


async def end(parts: Parts, limit: float) -> int:
    """Bring everything to its end within `limit` seconds; how many messages stayed unconfirmed."""
    clock = parts.reactor
    until = clock.seconds() + limit
    parts.blocks.stop()
    await stop_consuming(parts, limit)
    for publisher in parts.publishers.by_zone.values():
        await _within(clock, publisher.drain(), max(0.0, until - clock.seconds()))
    parts.queries.stop()
    unconfirmed = sum(publisher.stop() for publisher in parts.publishers.by_zone.values())
    all_links = (*parts.consuming.values(), *parts.publishing.values())
    await DeferredList([link.stop() for link in all_links], consumeErrors=True)
    await parts.workers.stop(max(1.0, until - clock.seconds()))
    return unconfirmed


async def stop_consuming(parts: Parts, limit: float) -> None:
    """Consume no more, and let what is in hand finish; after `limit` seconds it is the broker's again."""
    timer = parts.reactor.callLater(limit, _too_late, parts, limit)
    stopping = [consumer.stop() for consumer in parts.all_consumers]
    await DeferredList([*stopping, parts.kamailios.stop(limit)], consumeErrors=True)
    if timer.active():
        timer.cancel()


def _too_late(parts: Parts, limit: float) -> None:
    left = sum(consumer.in_hand for consumer in parts.all_consumers)
    _log.warn(
        "After {limit:g} s of draining {left} events are still in hand: the broker delivers them again.",
        limit=limit,
        left=left,
    )
    for consumer in parts.all_consumers:
        consumer.abandon()


async def _within(clock: Any, waited: "Deferred[None]", limit: float) -> None:
    """Wait, but not for ever; the Deferred itself is left alone."""
    either: Deferred[None] = Deferred()
    timer = clock.callLater(limit, either.callback, None)

    def over(_: object) -> None:
        if timer.active():
            timer.cancel()
            either.callback(None)

    waited.addBoth(over)
    await either
