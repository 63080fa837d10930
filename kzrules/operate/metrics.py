"""The status in Prometheus' words. Made when somebody asks for it, so it costs nothing in between.

Labels are names from rules and from the broker's list; never anything from a payload.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kzrules.kamailio.bridge import Standing
from kzrules.operate.status import Connection, Status, Subscription
from kzrules.operate.timing import Histogram, Timing

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OUTCOMES = ("acknowledged", "rejected", "retried", "returned", "late")
_COUNTED = {
    "received": "Deliveries received.",
    "redelivered": "Deliveries that the broker had delivered before.",
    "unmatched": "Events that no route took.",
    "unreadable": "Events rejected because their payload could not be read.",
    "failed": "Events rejected because their rule failed.",
    "dead_lettered": "Events sent to a dead-letter queue.",
    "dropped": "Events dropped by their failure policy.",
    "duplicates": "Copies that dedupe dropped.",
    "held": "Times that an event waited in hand for its next attempt.",
    "unpublished": "Events of which a message could not be published.",
}


def text(status: Callable[[], Status], timing: Timing) -> bytes:
    """The page that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now(status(), timing))
    return generate_latest(registry)


class _Now(Collector):
    def __init__(self, status: Status, timing: Timing) -> None:
        self._status = status
        self._timing = timing

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield from _process(status)
        yield from _subscriptions(status.subscriptions)
        yield from _publishing(status)
        yield from _connections(status.connections)
        yield from _queries(status, self._timing)
        yield from _rules(status)
        yield from _routes(status, self._timing)
        yield from _tables(status)
        if status.kamailios:
            yield from _kamailios(status.kamailios)


def _gauge(name: str, about: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield GaugeMetricFamily(f"kzrules_{name}", about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"kzrules_{name}", about, value=value)


def _process(status: Status) -> Iterator[Metric]:
    process = status.process
    info = GaugeMetricFamily("kzrules_info", "Which kzrules this is.", labels=["version", "node"])
    info.add_metric([process.version, process.node], 1)
    yield info
    yield from _gauge("ready", "1 while /readyz says yes.", status.ready)
    yield from _gauge("draining", "1 while it consumes nothing new.", status.draining)
    yield from _gauge("start_time_seconds", "When it started, Unix seconds.", process.started)
    yield from _gauge("memory_bytes", "Resident memory.", process.memory)
    yield from _gauge("reactor_lag_seconds", "How late the reactor's last tick was.", process.lag)
    yield from _gauge("work_queued", "Pieces of work that wait for or are with a worker.", process.queued)
    yield from _gauge("workers", "Worker threads.", process.workers)
    yield _counter("work_broken", "Work that failed in kzrules itself.", process.broken)
    blocks = CounterMetricFamily(
        "kzrules_blocks", "Timers, after blocks and expiries that ran.", labels=["result"]
    )
    blocks.add_metric(["done"], status.blocks.ran - status.blocks.failed)
    blocks.add_metric(["failed"], status.blocks.failed)
    yield blocks
    yield from _gauge("after_waiting", "`after` blocks that wait for their time.", status.blocks.waiting)


def _subscriptions(found: tuple[Subscription, ...]) -> Iterator[Metric]:
    labels = ["subscription", "zone"]
    outcomes = CounterMetricFamily(
        "kzrules_events", "Events by how they were settled.", labels=[*labels, "outcome"]
    )
    for one in found:
        for outcome in _OUTCOMES:
            outcomes.add_metric([one.name, one.zone, outcome], getattr(one.counters, outcome))
    yield outcomes
    for name, about in _COUNTED.items():
        counter = CounterMetricFamily(f"kzrules_events_{name}", about, labels=labels)
        for one in found:
            counter.add_metric([one.name, one.zone], getattr(one.counters, name))
        yield counter
    for name, about in (
        ("consuming", "1 while the broker has confirmed the consumer."),
        ("settling", "0 while deliveries wait and none is settled."),
        ("paused", "1 while the outbox is full."),
        ("unacknowledged", "Deliveries that the broker waits for."),
        ("in_hand", "Deliveries with workers, waiting, or held."),
    ):
        gauge = GaugeMetricFamily(f"kzrules_subscription_{name}", about, labels=labels)
        for one in found:
            gauge.add_metric([one.name, one.zone], float(getattr(one, name)))
        yield gauge
    last = GaugeMetricFamily(
        "kzrules_subscription_last_event_timestamp_seconds", "When the last delivery came.", labels=labels
    )
    for one in found:
        if one.last_event is not None:
            last.add_metric([one.name, one.zone], one.last_event)
    yield last


def _publishing(status: Status) -> Iterator[Metric]:
    for name, about in (
        ("ready", "1 while what is published goes out at once."),
        ("unconfirmed", "Messages that the broker has not confirmed."),
        ("limit", "Unconfirmed messages from which on consuming slows down."),
    ):
        gauge = GaugeMetricFamily(f"kzrules_publishing_{name}", about, labels=["zone"])
        for one in status.publishing:
            gauge.add_metric([one.zone], float(getattr(one, name)))
        yield gauge
    for name, about in (
        ("confirmed", "Messages that the broker has confirmed."),
        ("resent", "Messages sent again on another channel or connection."),
        ("nacked", "Messages that the broker refused for the moment."),
        ("unroutable", "Messages that no queue took."),
    ):
        counter = CounterMetricFamily(f"kzrules_publishing_{name}", about, labels=["zone"])
        for one in status.publishing:
            counter.add_metric([one.zone], getattr(one, name))
        yield counter


def _connections(found: tuple[Connection, ...]) -> Iterator[Metric]:
    labels = ["purpose", "zone"]
    up = GaugeMetricFamily(
        "kzrules_connected", "1 for the broker that a connection is open to.", labels=[*labels, "broker"]
    )
    blocked = GaugeMetricFamily("kzrules_blocked", "1 while the broker reads no publishes.", labels=labels)
    losses = CounterMetricFamily(
        "kzrules_connection_losses", "Open connections that went away.", labels=labels
    )
    for one in found:
        up.add_metric([one.purpose, one.zone, one.broker or ""], float(one.broker is not None))
        blocked.add_metric([one.purpose, one.zone], float(one.blocked is not None))
        losses.add_metric([one.purpose, one.zone], one.losses)
    yield from (up, blocked, losses)


def _queries(status: Status, timing: Timing) -> Iterator[Metric]:
    asking = status.asking
    yield from _gauge("queries_waiting", "Questions without an answer yet.", asking.waiting)
    yield _counter("queries_asked", "Questions that were asked.", asking.asked)
    yield _counter("queries_answered", "Questions that were answered in time.", asking.answered)
    yield _counter("queries_timeouts", "Questions whose time ran out.", asking.timeouts)
    yield _counter("queries_strays", "Answers that came late, or a second time.", asking.strays)
    yield _counter("replies_lost", "Replies that nobody took.", asking.lost_replies)
    took = HistogramMetricFamily("kzrules_query_seconds", "From question to answer or failure.")
    _add(took, [], timing.queries)
    yield took


def _rules(status: Status) -> Iterator[Metric]:
    rules, reloads = status.rules, status.rules.reloads
    yield from _gauge("rules_generation", "Counts up with each set of rules.", rules.generation)
    yield from _gauge("rules_since_seconds", "Since when these rules run, Unix seconds.", rules.since)
    yield from _gauge("rules_findings", "Warnings of the rules that run.", len(rules.findings))
    yield from _gauge("rules_refused", "1 while the last reload was refused.", rules.refused is not None)
    yield from _gauge("reload_success_timestamp_seconds", "The last good reload.", reloads.last_success)
    yield from _gauge("reload_seconds", "How long the last reload took.", reloads.last_time)
    counter = CounterMetricFamily("kzrules_reloads", "Reloads of the rules.", labels=["result"])
    counter.add_metric(["succeeded"], reloads.succeeded)
    counter.add_metric(["failed"], reloads.failed)
    yield counter


def _routes(status: Status, timing: Timing) -> Iterator[Metric]:
    counter = CounterMetricFamily("kzrules_route_events", "Events by route.", labels=["route", "result"])
    for one in status.routes:
        counter.add_metric([one.name, "ended"], one.taken - one.failed)
        counter.add_metric([one.name, "failed"], one.failed)
    yield counter
    took = HistogramMetricFamily(
        "kzrules_route_seconds", "From arrival until all is confirmed.", labels=["route"]
    )
    for name, histogram in timing.routes.items():
        _add(took, [name], histogram)
    yield took


def _add(family: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    family.add_metric(labels, buckets=histogram.buckets(), sum_value=histogram.total)


def _tables(status: Status) -> Iterator[Metric]:
    entries = GaugeMetricFamily("kzrules_table_entries", "Entries of a table.", labels=["table"])
    limit = GaugeMetricFamily("kzrules_table_limit", "Entries that it may have.", labels=["table"])
    evicted = CounterMetricFamily("kzrules_table_evicted", "Entries that had to make room.", labels=["table"])
    for one in status.tables:
        entries.add_metric([one.name], one.entries)
        limit.add_metric([one.name], one.limit)
        evicted.add_metric([one.name], one.evicted)
    yield from (entries, limit, evicted)


def _kamailios(found: tuple[Standing, ...]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "kzrules_kamailio_connected", "1 while its evapi is connected.", labels=["kamailio"]
    )
    hand = GaugeMetricFamily(
        "kzrules_kamailio_questions_waiting", "Questions without an answer yet.", labels=["kamailio"]
    )
    ended = CounterMetricFamily(
        "kzrules_kamailio_questions", "Questions by how they ended.", labels=["kamailio", "result"]
    )
    late = CounterMetricFamily(
        "kzrules_kamailio_late_answers", "Answers that came when the question was over.", labels=["kamailio"]
    )
    events = CounterMetricFamily(
        "kzrules_kamailio_events", "Events handed over, by how they ended.", labels=["kamailio", "result"]
    )
    for one in found:
        counts = one.counts
        up.add_metric([one.name], float(one.connected))
        hand.add_metric([one.name], one.questions)
        for result, count in (("answered", counts.answered), ("gone", counts.gone), *counts.refused.items()):
            ended.add_metric([one.name, str(result)], count)
        late.add_metric([one.name], counts.late)
        for result in ("done", "failed", "dropped"):
            events.add_metric([one.name, result], getattr(counts, result))
    yield from (up, hand, ended, late, events)
