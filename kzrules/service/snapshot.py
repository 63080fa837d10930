"""The one function that fills a `Status`, and the tick that keeps what only time can tell.

Called by whoever shows the status; nothing here changes anything.
"""

import os
from dataclasses import replace
from pathlib import Path

from kzrules import __version__, logs
from kzrules.broker import failure
from kzrules.broker.consumer import Consumer
from kzrules.broker.link import Link
from kzrules.operate import status as shown
from kzrules.operate.rates import Rates
from kzrules.service.parts import Parts

EVERY = 1.0
"""Seconds between looks at what is counted."""


class Pulse:
    """What only time can tell: rates, and how late the reactor is. `look` is called once a second."""

    def __init__(self, now: float) -> None:
        self.started = now
        self.rates = Rates(now)
        self.lag = 0.0
        self._last: float | None = None

    def look(self, now: float, parts: Parts) -> None:
        """A second is over."""
        if self._last is not None:
            self.lag = max(0.0, now - self._last - EVERY)
        self._last = now
        counts = {f"{name}\0{zone}": one.counters.received for (name, zone), one in parts.consumers.items()}
        self.rates.look(now, counts)


def status(parts: Parts, pulse: Pulse) -> shown.Status:
    """All that operators see, at this moment."""
    links = [("consume", link) for link in parts.consuming.values()]
    links += [("publish", link) for link in parts.publishing.values()]
    running = set(map(id, parts.wanted_links))
    return shown.Status(
        at=parts.reactor.seconds(),
        process=_process(parts, pulse),
        draining=parts.draining,
        connections=tuple(_connection(purpose, link) for purpose, link in links if id(link) in running),
        subscriptions=tuple(_subscription(one, pulse.rates) for one in parts.consumers.values()),
        publishing=tuple(_publishing(parts, zone) for zone in parts.zones),
        asking=_asking(parts),
        rules=_rules(parts),
        routes=_routes(parts),
        failures=_failures(parts),
        tables=_tables(parts),
        blocks=shown.Blocks(parts.blocks.counts.ran, parts.blocks.counts.failed, parts.blocks.waiting),
        totals=parts.totals,
        kamailios=parts.kamailios.standings,
    )


def _process(parts: Parts, pulse: Pulse) -> shown.Process:
    return shown.Process(
        pid=os.getpid(),
        node=parts.plan.identity.node,
        version=__version__,
        started=pulse.started,
        workers=parts.workers.size,
        queued=parts.workers.in_hand,
        broken=parts.workers.broken,
        lag=pulse.lag,
        memory=_memory(),
        log_level=logs.level(),
    )


def _memory() -> int | None:
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except OSError:  # no Linux
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _connection(purpose: str, link: Link) -> shown.Connection:
    session, error = link.session, link.last_error
    return shown.Connection(
        purpose=purpose,
        zone=link.zone,
        state=link.state,
        broker=session.name if session else None,
        since=link.since,
        losses=link.losses,
        blocked=(session.why_blocked or "an alarm") if session and session.blocked else None,
        trouble=str(error) if error and not session else None,
    )


def _subscription(consumer: Consumer, rates: Rates) -> shown.Subscription:
    spec, health = consumer.spec, consumer.health
    letters = None
    if spec.on_failure.last == "dead_letter" and not spec.immediate and health.queue:
        letters = failure.dead_letter_queue(spec.on_failure, health.queue).name
    return shown.Subscription(
        name=spec.name,
        zone=consumer.zone,
        queue=health.queue,
        consuming=health.consuming,
        settling=health.settling,
        paused=health.paused,
        unacknowledged=health.unacknowledged,
        in_hand=health.in_hand,
        waiting=consumer.waiting,
        rate=rates.of(f"{spec.name}\0{consumer.zone}"),
        last_event=health.last_event,
        dead_letters=letters,
        trouble=health.trouble,
        counters=replace(consumer.counters),
    )


def _publishing(parts: Parts, zone: str) -> shown.Publishing:
    publisher = parts.publishers.by_zone[zone]
    return shown.Publishing(
        zone=zone,
        primary=zone == parts.zones[0],
        ready=publisher.ready,
        unconfirmed=publisher.size,
        limit=publisher.limit,
        confirmed=publisher.confirmed,
        resent=publisher.resent,
        nacked=publisher.nacked,
        unroutable=publisher.unroutable,
        away_since=publisher.away_since,
    )


def _asking(parts: Parts) -> shown.Asking:
    queries = parts.queries
    return shown.Asking(
        ready=queries.ready,
        waiting=queries.waiting,
        asked=queries.asked,
        answered=queries.answered,
        timeouts=queries.timeouts,
        strays=queries.strays,
        lost_replies=parts.publishers.lost_replies,
    )


def _rules(parts: Parts) -> shown.Rules:
    now, history = parts.rules, parts.history
    return shown.Rules(
        generation=parts.book.generation,
        since=now.since,
        paths=parts.plan.origin.rules,
        routes=sum(map(len, parts.book.program.routes.values())),
        timers=len(parts.book.timers),
        findings=now.findings,
        refused=history.refused,
        previous=history.previous.book.generation if history.previous else None,
        reloads=history.reloads,
    )


def _routes(parts: Parts) -> tuple[shown.Route, ...]:
    places = {name: str(codes[0].place) for name, codes in parts.book.program.routes.items()}
    did = parts.ledger.routes
    names = [*places, *(name for name in did if name not in places)]
    return tuple(
        shown.Route(name, places.get(name), done.taken, done.failed, done.last or None)
        if (done := did.get(name))
        else shown.Route(name, places.get(name), 0, 0, None)
        for name in names
    )


def _failures(parts: Parts) -> tuple[shown.Failure, ...]:
    return tuple(
        shown.Failure(one.subscription, one.route, one.place, one.cause, one.count, one.last, one.why)
        for one in parts.ledger.failures
    )


def _tables(parts: Parts) -> tuple[shown.Remembered, ...]:
    return tuple(
        shown.Remembered(name, len(table.entries), table.spec.limit, table.spec.ttl, table.evicted)
        for name, table in parts.book.tables.items()
    )
