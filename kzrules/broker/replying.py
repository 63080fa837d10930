"""The publishers of all zones: replies go back through the broker that the question came by,
and so does what is published with a key that names a broker.

Made by `service`; `consumer` and `blocks` publish and reply through it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.python.failure import Failure

from kzrules.broker.amqp_errors import Unroutable
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.publisher import Publisher
from kzrules.broker.zones import Server
from kzrules.clock import Clock
from kzrules.errors import BrokerGone, KzError
from kzrules.message.action import Publish, Reply
from kzrules.wire import properties

PATIENCE = 10.0
"""Seconds that replies wait for a zone that is away: whoever asked has given up by then."""


class Publishers:
    """One publisher a zone; the first zone is the primary one, where everything but replies goes."""

    def __init__(self, listed: Iterable[Server], by_zone: Mapping[str, Publisher], clock: Clock) -> None:
        self.by_zone = by_zone
        self.lost_replies = 0
        """Replies that nobody took, or whose zone was away for too long."""
        self._zones = {server.number: server.zone for server in listed}
        self._primary = next(iter(by_zone.values()))
        self._clock = clock

    def publish(self, wanted: Publish) -> Deferred[None]:
        """To the primary zone, or to that of the broker which it names; fires when it is confirmed."""
        return self.publish_all((wanted,))

    def publish_all(self, wanted: Sequence[Publish]) -> Deferred[None]:
        """The same for several, in one write a zone."""
        if all(one.server is None for one in wanted):
            return self._primary.publish_all(wanted)
        parts: dict[Publisher, list[Publish]] = {}
        for one in wanted:
            parts.setdefault(self._of(one.server), []).append(one)
        return _all(publisher.publish_all(part) for publisher, part in parts.items())

    def hold(self) -> None:
        """Several publishes follow, to be written together at `release`."""
        for publisher in self.by_zone.values():
            publisher.hold()

    def release(self) -> None:
        """Write them."""
        for publisher in self.by_zone.values():
            publisher.release()

    def _of(self, server: int | None) -> Publisher:
        zone = "" if server is None else self._zones.get(server, "")
        return self.by_zone.get(zone, self._primary)

    def reply(self, wanted: Reply) -> Deferred[None]:
        """Back to whoever asked. An answer that nobody can take is counted, and done with."""
        publisher = self._of(wanted.server)
        try:
            message = _answer(wanted)
        except KzError as error:
            failed: Deferred[None] = Deferred()
            failed.errback(error)
            return failed
        if publisher.away_since is not None:
            left = publisher.away_since + PATIENCE - self._clock.seconds()
            if left <= 0:
                self.lost_replies += 1
                return succeed(None)
            return self._limited(publisher, message, left)
        return self._limited(publisher, message, PATIENCE)

    def _limited(self, publisher: Publisher, message: Outgoing, limit: float) -> Deferred[None]:
        sent = publisher.send(message)
        timer = self._clock.callLater(limit, self._give_up, publisher, message)

        def over(result: Failure | None) -> Failure | None:
            if timer.active():
                timer.cancel()
            if isinstance(result, Failure) and isinstance(result.value, (Unroutable, _TooLate)):
                self.lost_replies += 1
                return None
            return result

        return sent.addBoth(over)

    def _give_up(self, publisher: Publisher, message: Outgoing) -> None:
        if publisher.away_since is not None:
            publisher.give_up(lambda one: one is message, _TooLate("the zone was away for too long"))


def _all(doing: Iterable[Deferred[None]]) -> Deferred[None]:
    """All of these; fails with the first failure once all are decided."""

    def first_failure(results: list[tuple[bool, Any]]) -> Failure | None:
        return next((failed for succeeded, failed in results if not succeeded), None)

    together: Deferred[Any] = DeferredList(list(doing), consumeErrors=True)
    return together.addCallback(first_failure)


class _TooLate(BrokerGone):
    """A reply waited for its zone until nobody waited for the reply."""


def _answer(wanted: Reply) -> Outgoing:
    raw = properties.encode(
        wanted.headers,
        content_type=properties.JSON_TYPE,
        delivery_mode=properties.TRANSIENT,
        message_id=wanted.message_id,
        correlation_id=wanted.correlation_id,
    )
    return Outgoing(wanted.exchange, wanted.routing_key, wanted.body, raw)
