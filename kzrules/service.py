"""The one place where the parts are joined: rules, workers, links, publishers, queries and consumers.

`tap` builds it for twistd. It starts everything, tells the parts of each connection that comes and
goes, and brings it to an end in an order in which nothing is lost: stop consuming, let events in
hand finish, wait for the confirms, close.
"""

import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any
from uuid import uuid4

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from kzrules import __version__, secrets
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
from kzrules.errors import BrokerError, SettingError
from kzrules.language.declare import setting_names
from kzrules.language.program import BrokerSpec, SubscriptionSpec
from kzrules.language.render import render
from kzrules.language.source import read_program
from kzrules.message.action import After, Log, Publish
from kzrules.message.identity import Identity
from kzrules.message.outcome import Ack, Reject
from kzrules.routing.book import Book
from kzrules.routing.load import Loaded, load

EXPIRY_EVERY = 1.0
"""Seconds between looks at the tables for entries whose time ran out."""
READY_EVERY = 0.05
"""Seconds between looks whether the first connection can publish and ask."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the service runs, and how; times in seconds."""

    book: Book
    broker: BrokerSpec
    login: tuple[str, str] | None
    identity: Identity
    workers: int
    drain_timeout: float


def build(options: Mapping[str, Any]) -> Service:
    """The service that the options of `tap` ask for. Findings go to standard error; errors exit with 1."""
    identity = Identity(
        options["node"] or socket.gethostname(), options["app-name"], __version__, uuid4().hex[:12]
    )
    try:
        loaded = _load(options, identity)
        if loaded.book is None or options["check"]:
            raise SystemExit(1 if loaded.book is None else 0)
        plan = _plan(loaded.book, options, identity)
    except SettingError as error:
        sys.stderr.write(f"kzrules: {error}\n")
        raise SystemExit(1) from None
    from twisted.internet import reactor  # noqa: PLC0415  twistd has chosen one only by now

    return KzService(plan, reactor)


def _load(options: Mapping[str, Any], identity: Identity) -> Loaded:
    broker_file = None
    texts: dict[str, str] = {}
    if options["broker-file"] is not None:
        sources = read_program([options["broker-file"]])
        _print(sources.findings, sources.texts)
        if any(finding.is_error for finding in sources.findings):
            raise SystemExit(1)
        broker_file, texts = sources.files[0], dict(sources.texts)
    names = setting_names(read_program(options["rules"]).files)
    environment = {
        name: os.environ[variable] for name in names if (variable := f"KZRULES_{name.upper()}") in os.environ
    }
    overrides = environment | options["set"]
    loaded = load(options["rules"], overrides, identity.host, identity, broker_file=broker_file)
    _print(loaded.findings, texts | dict(loaded.texts))
    return loaded


def _print(findings: Any, texts: Mapping[str, str]) -> None:
    if findings:
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        sys.stderr.write(render(findings, texts, width=100, colour=colour) + "\n")


def _plan(book: Book, options: Mapping[str, Any], identity: Identity) -> Plan:
    if book.broker is None or not book.broker.zones:
        raise SettingError(
            "The rules name no broker: add a `broker` block to them, or give one with --broker-file FILE."
        )
    servers(book.broker)  # a URL that cannot be read is told now, not at the first connection
    login = secrets.login(book.broker.login, secrets.folder(options["secrets"]))
    return Plan(book, book.broker, login, identity, options["workers"], options["drain-timeout"])


class KzService(Service):
    """Runs one book of rules against one list of brokers."""

    name = "kzrules"
    log = Logger()

    def __init__(self, plan: Plan, reactor: Any) -> None:
        self._plan = plan
        self._reactor = reactor
        self._book = plan.book
        self._workers = Workers(plan.workers, reactor)
        zones = [zone.name for zone in plan.broker.zones]
        by_zone = {zone: Publisher(reactor, plan.broker.outbox) for zone in zones}
        self._primary = zones[0]
        self._publishers = Publishers(servers(plan.broker), by_zone, reactor)
        self._queries = Queries(plan.identity, reactor)
        self._outside = Outside(
            publish_all=self._publish_all,
            reply=self._publishers.reply,
            ask=self._queries.ask,
            after=self._after,
            log=self._write,
            ended=self._tell,
        )
        self._blocks = Blocks(self._workers, self._outside, reactor)
        self.consumers = [
            self._consumer(spec, zone)
            for spec in self._book.subscriptions.values()
            for zone in (zones if spec.all_zones else zones[:1])
        ]
        self._publishing = self._links("publish", self._can_publish, self._cannot_publish)
        self._consuming = self._links("consume", self._can_consume, self._cannot_consume)
        for publisher in by_zone.values():
            publisher.on_room(self._room)
        self._expiry = LoopingCall(self._expire)
        self._becoming_ready = LoopingCall(self._look_whether_ready)
        self._ready = False
        self._signalled = False

    # Starting.

    def startService(self) -> None:  # noqa: N802  the name is Twisted's
        """Connect everywhere; each part begins when its connection is there."""
        super().startService()  # type: ignore[no-untyped-call]  # not typed in Twisted
        self.log.info(
            "kzrules {version} as {node}: subscriptions {names}; workers {workers}",
            version=__version__,
            node=self._plan.identity.node,
            names=", ".join(self._book.subscriptions) or "none",
            workers=self._plan.workers,
        )
        self._reactor.callWhenRunning(self._take_signals)
        self._workers.start()
        for link in (*self._publishing.values(), *self._consuming.values()):
            link.start()
        for looping, every in ((self._expiry, EXPIRY_EVERY), (self._becoming_ready, READY_EVERY)):
            looping.clock = self._reactor
            looping.start(every, now=False)

    def _take_signals(self) -> None:
        """Ours, not the reactor's: an ordered end is exit status 0, and a second signal ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._signal))

    def _signal(self) -> None:
        if self._signalled:
            self.log.warn("Told twice to end: ending at once; the broker delivers again what is in hand.")
            sys.stdout.flush()
            os._exit(1)
        self._signalled = True
        self._reactor.stop()

    def _links(self, purpose: str, opened: Any, lost: Any) -> dict[str, Link]:
        wanted = {consumer.zone for consumer in self.consumers} if purpose == "consume" else None
        name = f"kzrules {self._plan.identity.host} {purpose}"
        made = links(self._plan.broker, self._plan.login, self._reactor, name, opened, lost)
        return {zone: link for zone, link in made.items() if wanted is None or zone in wanted}

    def _consumer(self, spec: SubscriptionSpec, zone: str) -> Consumer:
        return Consumer(
            spec,
            zone,
            clock=self._reactor,
            workers=self._workers,
            book=lambda: self._book,
            outside=self._outside,
            send=self._publishers.by_zone[zone].send,
            declare=partial(topology.declare, spec=spec),
        )

    # Connections that come and go.

    def _can_publish(self, session: Session) -> None:
        self._publishers.by_zone[session.zone].session_opened(session)
        if session.zone == self._primary:
            self._queries.session_opened(session)
        self._own_event("open", session.name, session.zone)

    def _cannot_publish(self, zone: str, error: BrokerError) -> None:
        self._publishers.by_zone[zone].session_lost()
        if zone == self._primary:
            self._queries.session_lost()
        self._lost("publishing", zone, error)

    def _can_consume(self, session: Session) -> None:
        for consumer in self.consumers:
            if consumer.zone == session.zone:
                consumer.use(session)

    def _cannot_consume(self, zone: str, error: BrokerError) -> None:
        self._lost("consuming", zone, error)

    def _lost(self, what: str, zone: str, error: BrokerError) -> None:
        if self.running:
            self.log.warn("{what} in zone {zone}: {error}", what=what, zone=zone, error=str(error))
            self._own_event("closed", "", zone)

    def _own_event(self, name: str, host: str, zone: str) -> None:
        payload = {"Event-Category": "connection", "Event-Name": name, "host": host, "zone": zone}
        route = f"kazoo:consumer-event-connection-{name}"
        if self.running and route in self._book.program.routes:
            self._blocks.run(route, partial(self._book.run_own, route, payload))

    def _look_whether_ready(self) -> None:
        if self._publishers.by_zone[self._primary].ready and self._queries.ready:
            self._becoming_ready.stop()
            self._ready = True
            self._blocks.run("kazoo:mod-init", partial(self._book.run_own, "kazoo:mod-init", {}))
            for timer in self._book.timers:
                self._blocks.every(timer, partial(self._book.run_timer, timer.name))

    # What rules ask for.

    def _publish_all(self, messages: list[Publish]) -> "Deferred[None]":
        done = self._publishers.publish_all(messages)
        if self._publishers.by_zone[self._primary].full:
            for consumer in self.consumers:
                consumer.pause()
        return done

    def _room(self) -> None:
        for consumer in self.consumers:
            consumer.resume()

    def _write(self, line: Log) -> None:
        level = LogLevel.levelWithName(line.level)
        place = str(line.place)
        self.log.emit(level, "{route}: {text}", text=line.text, route=line.route, place=place)

    def _tell(self, item: InHand) -> None:
        """One line for each event, for whoever looks closely; never its payload."""
        outcome = item.outcome
        self.log.debug(
            "{subscription}: {route} {outcome} {actions}",
            event="settled",
            subscription=item.delivery.source.subscription,
            route=item.route,
            outcome=type(outcome).__name__.lower() if outcome is not None else None,
            reason=outcome.why if outcome is not None else "",
            cause=outcome.cause if isinstance(outcome, Reject) else None,
            unmatched=isinstance(outcome, Ack) and outcome.unmatched,
            actions=item.did,
            routing_key=item.delivery.routing_key,
            msg_id=item.event.received.get("Msg-ID") if item.event is not None else None,
        )

    def _after(self, wanted: After) -> None:
        self._blocks.after(wanted)

    def _expire(self) -> None:
        now = self._reactor.seconds()
        for over in self._book.tables.expire(now):
            if over.table in self._book.program.expired:
                start = partial(self._book.run_expired, over.table, over.key, over.value)
                self._blocks.run(f"on expired {over.table}", start)

    # Ending.

    @property
    def totals(self) -> Counters:
        """What all consumers counted, added up."""
        added = Counters()
        for consumer in self.consumers:
            for one in fields(Counters):
                setattr(added, one.name, getattr(added, one.name) + getattr(consumer.counters, one.name))
        return added

    def stopService(self) -> "Deferred[None]":  # noqa: N802  the name is Twisted's
        """Stop consuming, finish what is in hand within its time, close; fires when all is closed."""
        super().stopService()  # type: ignore[no-untyped-call]  # not typed in Twisted
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        until = self._reactor.seconds() + self._plan.drain_timeout
        for looping in (self._expiry, self._becoming_ready):
            if looping.running:
                looping.stop()
        self._blocks.stop()
        limit = self._reactor.callLater(self._plan.drain_timeout, self._too_late)
        await DeferredList([consumer.stop() for consumer in self.consumers], consumeErrors=True)
        if limit.active():
            limit.cancel()
        for publisher in self._publishers.by_zone.values():
            await self._within(publisher.drain(), max(0.0, until - self._reactor.seconds()))
        self._queries.stop()
        unconfirmed = sum(publisher.stop() for publisher in self._publishers.by_zone.values())
        all_links = (*self._consuming.values(), *self._publishing.values())
        await DeferredList([link.stop() for link in all_links], consumeErrors=True)
        await self._workers.stop(max(1.0, until - self._reactor.seconds()))
        self._say_totals(unconfirmed)

    def _too_late(self) -> None:
        left = sum(consumer.in_hand for consumer in self.consumers)
        self.log.warn(
            "After {limit:g} s of draining {left} events are still in hand: the broker delivers them again.",
            limit=self._plan.drain_timeout,
            left=left,
        )
        for consumer in self.consumers:
            consumer.abandon()

    async def _within(self, waited: "Deferred[None]", limit: float) -> None:
        """Wait, but not for ever; the Deferred itself is left alone."""
        either: Deferred[None] = Deferred()
        timer = self._reactor.callLater(limit, either.callback, None)

        def over(_: object) -> None:
            if timer.active():
                timer.cancel()
                either.callback(None)

        waited.addBoth(over)
        await either

    def _say_totals(self, unconfirmed: int) -> None:
        totals = self.totals
        self.log.info(
            "received {received}, acknowledged {acknowledged}, rejected {rejected}, failed {failed}, "
            "retried {retried}, unconfirmed {unconfirmed}",
            event="totals",
            unconfirmed=unconfirmed,
            **asdict(totals),
        )
