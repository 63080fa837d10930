"""The parts, joined: who publishes, asks, consumes and runs rules, and what one tells the other.

`service` makes one set of them and starts and stops it; `reload` changes its rules and its
consumers while it runs; `snapshot` reads it.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from kzrules.broker import topology
from kzrules.broker.blocks import Blocks
from kzrules.broker.consumer import Consumer
from kzrules.broker.counters import Counters
from kzrules.broker.inhand import InHand
from kzrules.broker.link import Link, links
from kzrules.broker.perform import Outside
from kzrules.broker.publisher import Publisher
from kzrules.broker.query import Queries
from kzrules.broker.replying import Publishers
from kzrules.broker.session import Session
from kzrules.broker.workers import Workers
from kzrules.broker.zones import servers
from kzrules.errors import BrokerError
from kzrules.kamailio.bridge import Bridge
from kzrules.message.action import Answer, Log, Publish, Query, Question
from kzrules.message.delivery import Delivery
from kzrules.operate.feed import Feed
from kzrules.operate.ledger import Ledger
from kzrules.routing.book import Book
from kzrules.service.history import History
from kzrules.service.plan import Plan

if TYPE_CHECKING:
    from kzrules.operate.tracing import Tracing


class Parts:
    """Everything that runs one book of rules against one list of brokers."""

    log = Logger()

    def __init__(self, plan: Plan, reactor: Any) -> None:
        self.plan = plan
        self.reactor = reactor
        self.book = plan.book
        self.feed = Feed()
        self.ledger = Ledger(reactor.seconds)
        self.retired = Counters()
        """What subscriptions counted that are gone."""
        self.rules = replace(plan.loading, since=reactor.seconds())
        self.history = History()
        self.asked: Callable[[Deferred[Answer]], None] | None = None
        """Told of each question on the bus, by its answer to be."""
        self.draining = False
        self.active = False
        """Events of our own are told to the rules: from the start until the end."""
        self.timing = False
        """Timers run: from the first moment that rules can publish."""
        self.workers = Workers(plan.workers, reactor)
        self.zones = [zone.name for zone in plan.broker.zones]
        by_zone = {zone: Publisher(reactor, plan.broker.outbox) for zone in self.zones}
        self.publishers = Publishers(servers(plan.broker), by_zone, reactor)
        late = self._late_answer if plan.broker.late_answers == "event" else None
        self.queries = Queries(plan.identity, reactor, on_stray=late)
        self.kamailios = Bridge(self.workers, lambda: self.book, reactor)
        self.outside = Outside(
            publish_all=self._publish_all,
            reply=self.publishers.reply,
            ask=self._ask,
            after=lambda wanted: self.blocks.after(wanted),  # noqa: PLW0108  made only below
            log=self._write,
            tell=self.kamailios.tell,
            hold=self._hold,
            release=self._release,
            soon=self.queries.soon,
            ended=self._ended,
        )
        self.tracing = self._traced()
        self.blocks = Blocks(self.workers, self.outside, reactor)
        self.consumers = {key: self.consumer(*key) for key in self.wanted(self.book)}
        self.leaving: list[Consumer] = []
        """Of subscriptions that the rules have no more, with events in hand."""
        self.publishing = self._links("publish", self._can_publish, self._cannot_publish)
        self.consuming = self._links("consume", self._can_consume, self._cannot_consume)
        for publisher in by_zone.values():
            publisher.on_room(self._room)

    def _traced(self) -> "Tracing | None":
        """Where tracing is asked for, it stands around what rules ask for from here on."""
        make = self.plan.tracing
        if make is None:
            return None
        from kzrules.operate.tracing import Tracing  # noqa: PLC0415  it needs the extra `otel`

        tracing = Tracing(make, servers(self.plan.broker))
        self.outside = tracing.around(self.outside)
        self.feed.listen(tracing.event)
        return tracing

    # Who consumes what.

    def wanted(self, book: Book) -> Iterator[tuple[str, str]]:
        """Each subscription of the rules with each zone that it consumes in."""
        for name, spec in book.subscriptions.items():
            for zone in self.zones if spec.all_zones else self.zones[:1]:
                yield name, zone

    def consumer(self, name: str, zone: str) -> Consumer:
        """A consumer for a subscription of the rules; `use` begins it."""
        spec = self.book.subscriptions[name]
        return Consumer(
            spec,
            zone,
            clock=self.reactor,
            workers=self.workers,
            book=lambda: self.book,
            outside=self.outside,
            send=self.publishers.by_zone[zone].send,
            declare=partial(topology.declare, spec=spec),
        )

    def retire(self, key: tuple[str, str], book: Book) -> "Deferred[None]":
        """A subscription is gone; `book` had it. Fires when its events have ended."""
        consumer = self.consumers.pop(key)
        self.leaving.append(consumer)

        def gone(_: None) -> None:
            self.leaving.remove(consumer)
            self.retired = added(self.retired, consumer.counters)

        return consumer.retire(book).addCallback(gone)

    def _links(self, purpose: str, opened: Any, lost: Any) -> dict[str, Link]:
        name = f"kzrules {self.plan.identity.host} {purpose}"
        return links(self.plan.broker, self.plan.login, self.reactor, name, opened, lost)

    @property
    def wanted_links(self) -> list[Link]:
        """The connections that somebody needs: where nobody consumes, only the publishing one."""
        zones = {consumer.zone for consumer in self.all_consumers}
        consuming = [link for zone, link in self.consuming.items() if zone in zones]
        return [*self.publishing.values(), *consuming]

    @property
    def ready(self) -> bool:
        """Whether rules can publish and ask."""
        return self.publishers.by_zone[self.zones[0]].ready and self.queries.ready

    @property
    def totals(self) -> Counters:
        """What all consumers counted, added up."""
        return added(self.retired, *(consumer.counters for consumer in self.all_consumers))

    @property
    def all_consumers(self) -> list[Consumer]:
        """Those of the rules of now, and those that still end."""
        return [*self.consumers.values(), *self.leaving]

    def keep_timers(self) -> None:
        """The timers of the rules run from now on, and those of earlier rules no more."""
        self.timing = True
        self.blocks.keep((timer, partial(self.book.run_timer, timer.name)) for timer in self.book.timers)

    # Connections that come and go.

    def _can_publish(self, session: Session) -> None:
        self.publishers.by_zone[session.zone].session_opened(session)
        if session.zone == self.zones[0]:
            self.queries.session_opened(session)
        self._came(session)

    def _cannot_publish(self, zone: str, error: BrokerError) -> None:
        self.publishers.by_zone[zone].session_lost()
        if zone == self.zones[0]:
            self.queries.session_lost()
        self._lost("publishing", zone, error)

    def _can_consume(self, session: Session) -> None:
        for consumer in self.consumers.values():
            if consumer.zone == session.zone:
                consumer.use(session)
        self._came(session)

    def _cannot_consume(self, zone: str, error: BrokerError) -> None:
        self._lost("consuming", zone, error)

    def _came(self, session: Session) -> None:
        """Each connection has its events, to publish and to consume, as the kazoo module has it."""
        self._own_event("open", session.host, session.zone)
        session.on_lost(lambda _: self._own_event("closed", session.host, session.zone))

    def _lost(self, what: str, zone: str, error: BrokerError) -> None:
        if self.active:
            self.log.warn("{what} in zone {zone}: {error}", what=what, zone=zone, error=str(error))

    def _own_event(self, name: str, host: str, zone: str) -> None:
        payload = {"Event-Category": "connection", "Event-Name": name, "host": host, "zone": zone}
        route = f"kazoo:consumer-event-connection-{name}"
        if self.active and route in self.book.program.routes:
            self.blocks.run(route, partial(self.book.run_own, route, payload))

    def _late_answer(self, delivery: Delivery, payload: dict[str, Any]) -> None:
        if self.active:
            self.blocks.run("a late answer", partial(self.book.run_late_answer, delivery, payload))

    # What rules ask for.

    def _hold(self) -> None:
        self.publishers.hold()
        self.queries.hold()

    def _release(self) -> None:
        self.publishers.release()
        self.queries.release()

    def _publish_all(self, messages: list[Publish]) -> Deferred[None]:
        done = self.publishers.publish_all(messages)
        if self.publishers.by_zone[self.zones[0]].full:
            for consumer in self.consumers.values():
                consumer.pause()
        return done

    def _ask(self, question: Question) -> Deferred[Answer]:
        if isinstance(question, Query):
            answer = self.queries.ask(question)
            if self.asked is not None:
                self.asked(answer)
            return answer
        return self.kamailios.ask(question)

    def _room(self) -> None:
        for consumer in self.consumers.values():
            consumer.resume()

    def _write(self, line: Log) -> None:
        level = LogLevel.levelWithName(line.level)
        place = str(line.place)
        self.log.emit(level, "{route}: {text}", text=line.text, route=line.route, place=place)

    def _ended(self, item: InHand) -> None:
        self.ledger.note(item)
        if self.feed.listeners:
            self.feed.tell(item)


def added(*counts: Counters) -> Counters:
    """Counters, added up."""
    total = Counters()
    for count in counts:
        for one in fields(Counters):
            setattr(total, one.name, getattr(total, one.name) + getattr(count, one.name))
    return total
