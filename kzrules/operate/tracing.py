"""A span for each event and for each message that it causes, joined to those of whoever sent it.

The service puts `around` what rules ask for, and has the feed call `event`; all of it runs on the
reactor thread, so the workers know nothing of it. Names and attributes are those of OpenTelemetry's
messaging conventions for RabbitMQ (the exchange is the destination); what they have no word for
begins with `kzrules.`. Imported only where tracing is on: the packages are those of the extra `otel`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules import __version__
from kzrules.broker.inhand import InHand
from kzrules.broker.perform import Outside
from kzrules.broker.zones import Server
from kzrules.errors import PayloadError
from kzrules.message.action import Answer, Publish, Query, Question, Reply, Unanswered
from kzrules.message.outcome import Ack, Outcome, Reject
from kzrules.operate.otel import MakeProvider
from kzrules.wire.properties import Properties

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

LONGEST_TEXT = 500
PATIENCE = 3.0
"""Seconds that the last spans may take to reach their collector when the service ends."""


class Tracing:
    """Makes the spans of one service. `listed` are the brokers, for the server's address."""

    _log = Logger()

    def __init__(self, make: MakeProvider, listed: Iterable[Server]) -> None:
        self._make = make
        self._servers = {server.number: server for server in listed}
        self._plain: Outside
        self._provider: TracerProvider
        self._tracer: Tracer

    def start(self) -> None:
        """Not before: the exporter's thread must be started in the process that twistd ends up as."""
        self._provider = self._make()
        self._tracer = self._provider.get_tracer("kzrules", __version__)

    def stop(self, reactor: Any) -> "Deferred[None]":
        """Hand over the last spans; fires when that is done, or has taken too long."""
        done: Deferred[None] = Deferred()
        late = reactor.callLater(PATIENCE, self._too_late, done)

        def over() -> None:
            if late.active():
                late.cancel()
                done.callback(None)

        def shut_down() -> None:
            self._provider.shutdown()
            reactor.callFromThread(over)

        Thread(target=shut_down, name="the last spans", daemon=True).start()
        return done

    def _too_late(self, done: "Deferred[None]") -> None:
        self._log.warn("the last spans did not reach their collector in {seconds:g} s", seconds=PATIENCE)
        done.callback(None)

    # What the service calls while it runs.

    def around(self, plain: Outside) -> Outside:
        """The same, with a span for each message; `about` an event, they are children of its span."""
        self._plain = plain
        return replace(self._traced(None), about=self._about)

    def event(self, item: InHand) -> None:
        """An event has ended, and so does its span."""
        span = self._span_of(item)
        del item.span
        span.update_name(f"process {item.route or item.delivery.source.subscription}")
        if item.route is not None:
            span.set_attribute("kzrules.route", item.route)
        _tell_outcome(span, item.outcome, item.trouble)
        span.end()

    def _about(self, item: InHand) -> Outside:
        return self._traced(set_span_in_context(self._span_of(item)))

    def _traced(self, context: Context | None) -> Outside:
        return replace(
            self._plain,
            publish_all=partial(self._publish_all, context),
            reply=partial(self._reply, context),
            ask=partial(self._ask, context),
        )

    # Spans.

    def _span_of(self, item: InHand) -> Span:
        """Begun late, with the time at which the event was taken in hand."""
        span: Span | None = getattr(item, "span", None)
        if span is None:
            began = None if item.event is None else int(item.event.received_at * 1e9)
            span = item.span = self._tracer.start_span(
                f"process {item.route or item.delivery.source.subscription}",
                propagate.extract(_headers(item), getter=_GETTER),
                SpanKind.CONSUMER,
                self._facts(item),
                start_time=began,
            )
        return span

    def _facts(self, item: InHand) -> dict[str, Any]:
        delivery, event = item.delivery, item.event
        source, origin = delivery.source, event or delivery
        facts = {
            **_facts("process", "process", origin.exchange),
            "messaging.rabbitmq.destination.routing_key": origin.routing_key,
            "messaging.rabbitmq.message.delivery_tag": delivery.tag,
            "messaging.destination.subscription.name": source.queue,
            "messaging.message.body.size": len(delivery.body),
            "kzrules.subscription": source.subscription,
            "kzrules.attempt": item.attempt,
        }
        msg_id = event.received.get("Msg-ID") if event else None
        if isinstance(msg_id, str):
            facts["messaging.message.id"] = msg_id[:LONGEST_TEXT]
        server = self._servers.get(source.server)
        if server is not None:
            facts |= {"server.address": server.host, "server.port": server.port}
        return facts

    def _sending(self, what: str, wanted: Publish | Reply | Query, context: Context | None) -> Span:
        msg_id = wanted.msg_id if isinstance(wanted, Query) else wanted.message_id
        facts = {
            **_facts(what, "send", wanted.exchange),
            "messaging.rabbitmq.destination.routing_key": wanted.routing_key,
            "messaging.message.id": msg_id,
            "messaging.message.body.size": len(wanted.body),
        }
        name = f"{what} {wanted.exchange or 'amq.default'}"
        return self._tracer.start_span(name, context, SpanKind.PRODUCER, facts)

    # What rules ask for.

    def _publish_all(self, context: Context | None, messages: list[Publish]) -> "Deferred[Any]":
        spans = [self._sending("publish", one, context) for one in messages]
        carrying = [
            replace(one, headers=_carrying(one.headers, span))
            for one, span in zip(messages, spans, strict=True)
        ]
        return maybeDeferred(self._plain.publish_all, carrying).addBoth(_sent, *spans)

    def _reply(self, context: Context | None, wanted: Reply) -> "Deferred[Any]":
        span = self._sending("reply", wanted, context)
        carrying = replace(wanted, headers=_carrying(wanted.headers, span))
        return maybeDeferred(self._plain.reply, carrying).addBoth(_sent, span)

    def _ask(self, context: Context | None, wanted: Question) -> "Deferred[Answer]":
        if not isinstance(wanted, Query):
            return self._plain.ask(wanted)
        span = self._sending("query", wanted, context)
        asked = replace(wanted, headers=_carrying(wanted.headers, span))
        return maybeDeferred(self._plain.ask, asked).addBoth(_answered, span)


def _facts(name: str, kind: str, exchange: str) -> dict[str, Any]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": exchange,
    }


class _Texts(Getter[Mapping[str, Any]]):
    """Headers as propagators read them: what is no text was written by nobody who traces."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(key)
        return [value] if isinstance(value, str) else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return list(carrier)


_GETTER = _Texts()


def _headers(item: InHand) -> Mapping[str, Any]:
    try:
        return Properties(item.delivery.properties).headers
    except PayloadError:
        return {}


def _carrying(headers: Mapping[str, Any], span: Span) -> dict[str, Any]:
    carried = dict(headers)
    propagate.inject(carried, set_span_in_context(span))
    return carried


def _fail(span: Span, kind: str, why: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, why[:LONGEST_TEXT]))


def _sent(result: Any, *spans: Span) -> Any:
    for span in spans:
        if isinstance(result, Failure):
            _fail(span, type(result.value).__name__, result.getErrorMessage())
        span.end()
    return result


def _answered(result: Any, span: Span) -> Any:
    if isinstance(result, Unanswered):
        _fail(span, result.why, result.why)
    return _sent(result, span)


def _tell_outcome(span: Span, outcome: Outcome | None, trouble: str | None) -> None:
    span.set_attribute("kzrules.outcome", type(outcome).__name__.lower())
    place = getattr(outcome, "place", None)
    if place is not None:
        span.set_attribute("kzrules.place", str(place))
    if trouble is not None:
        _fail(span, "unpublished", trouble)
    elif outcome is not None and not isinstance(outcome, Ack):
        _fail(span, str(outcome.cause) if isinstance(outcome, Reject) else "retry", outcome.why)
