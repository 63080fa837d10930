"""Traces through a real broker: who sent an event, what its rule did, and what that caused, in one trace."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import pytest_twisted
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kzrules.message.action import Publish
from kzrules.wire.properties import Properties

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    on_failure: retry(times: 1, first: 50ms, longest: 50ms) then dead_letter("dead")
}
event_route[kazoo:consumer-event-test-both] {
    let answer = query("questions", "who", { "N": .N }, timeout: 5s) else (why) { reject(why) }
    publish("out", "first", { "N": answer.N })
    publish("out", "second", { "N": answer.N }, headers: { "mine": 1 })
}
event_route[kazoo:consumer-event-test-quiet] { info("quiet") }
event_route[kazoo:consumer-event-test-asked] { reply({ "N": .N }) }
event_route[kazoo:consumer-event-test-bad] {
    let n = .N + 1
    info("{n}")
}
event_route[kazoo:consumer-event-test-nowhere] { publish("out-of-order", "k", {}) }
every 100ms { publish("out", "ticking", {}) }
"""
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=kept"}
ROUTE = "kazoo:consumer-event-test-"


def event(name, **fields):
    return {"Event-Category": "test", "Event-Name": name, **fields}


async def publish(bus, payload, headers=SENT):
    bus.number += 1
    message = Publish("in", "calls.new", json.dumps(payload).encode(), f"test-{bus.number}", headers)
    await bus.publisher.publish_all([message])


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def traced(inside, spans):
    """The service in this process, its spans kept in memory."""

    def make():
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(spans))
        return provider

    return lambda rules=RULES: inside(rules, tracing=make).service


async def named(bus, spans, *names):
    """The spans with these names, in this order, once they have ended."""

    def found():
        by_name = {span.name: span for span in spans.get_finished_spans()}
        return names if set(names) <= set(by_name) else ()

    await bus.until(found)
    by_name = {span.name: span for span in spans.get_finished_spans()}
    return [by_name[name] for name in names]


def ids(span):
    return f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}" if span.parent else None


def own(span):
    return f"{span.context.span_id:016x}"


@pytest_twisted.ensureDeferred
async def test_one_trace_leads_from_the_sender_through_the_rule_to_all_that_it_caused(bus, traced, spans):
    service = traced(RULES.partition("every")[0])
    await bus.queue("asked", "questions")
    await bus.queue("outputs", "out")
    questions, outputs = [], []
    await bus.watch("outputs", outputs.extend)

    def answer(deliveries):
        questions.extend(deliveries)
        bus.reply_to(deliveries)

    await bus.watch("asked", answer)
    await bus.until(lambda: service.status.ready)
    await publish(bus, event("both", N=7, **{"Msg-ID": "m7"}))
    process, query = await named(bus, spans, f"process {ROUTE}both", "query questions")
    publishes = [span for span in spans.get_finished_spans() if span.name == "publish out"]
    assert (TRACE, PARENT) == ids(process)
    assert [(TRACE, own(process))] * 3 == [ids(span) for span in (query, *publishes)]
    assert (SpanKind.CONSUMER, SpanKind.PRODUCER) == (process.kind, query.kind)
    sent = [Properties(one.properties).headers for one in (*questions, *outputs)]
    assert [f"00-{TRACE}-{own(span)}-01" for span in (query, *publishes)] == [
        one["traceparent"] for one in sent
    ]
    assert ["vendor=kept"] * 3 == [one["tracestate"] for one in sent]
    assert 1 == sent[2]["mine"]
    assert process.start_time <= query.start_time <= query.end_time <= publishes[0].end_time
    assert {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "in",
        "messaging.destination.subscription.name": "events",
        "messaging.rabbitmq.destination.routing_key": "calls.new",
        "messaging.rabbitmq.message.delivery_tag": 1,
        "messaging.message.id": "m7",
        "messaging.message.body.size": len(json.dumps(event("both", N=7, **{"Msg-ID": "m7"}))),
        "server.address": "127.0.0.1",
        "server.port": process.attributes["server.port"],
        "kzrules.subscription": "events",
        "kzrules.attempt": 1,
        "kzrules.route": f"{ROUTE}both",
        "kzrules.outcome": "ack",
    } == dict(process.attributes)
    assert ("rabbitmq", "send", "questions", "who") == tuple(
        query.attributes[name]
        for name in (
            "messaging.system",
            "messaging.operation.type",
            "messaging.destination.name",
            "messaging.rabbitmq.destination.routing_key",
        )
    )


@pytest_twisted.ensureDeferred
async def test_an_event_of_somebody_who_traces_nothing_begins_a_trace(bus, traced, spans):
    service = traced(RULES.partition("every")[0])
    await bus.until(lambda: service.status.ready)
    await publish(bus, event("quiet"), {"traceparent": 5, "other": "x"})
    await publish(bus, event("unheard-of"), {})
    quiet, unmatched = await named(bus, spans, f"process {ROUTE}quiet", "process events")
    assert (None, None) == (quiet.parent, unmatched.parent)
    assert quiet.context.trace_id != unmatched.context.trace_id
    assert "kzrules.route" not in unmatched.attributes


@pytest_twisted.ensureDeferred
async def test_a_reply_carries_the_trace_back(bus, traced, spans):
    service = traced(RULES.partition("every")[0])
    await bus.until(lambda: service.status.ready)
    await bus.queue("answers", "targeted", kind="direct", key="asker-7")
    answers = []
    await bus.watch("answers", answers.extend)
    await publish(bus, event("asked", N=7, **{"Server-ID": "asker-7", "Msg-ID": "m7"}))
    (reply,) = await named(bus, spans, "reply targeted")
    await bus.until(lambda: answers)
    assert f"00-{TRACE}-{own(reply)}-01" == Properties(answers[0].properties).headers["traceparent"]


@pytest_twisted.ensureDeferred
async def test_failures_are_errors_and_each_attempt_has_a_span(bus, traced, spans):
    service = traced(RULES.partition("every")[0])
    await bus.until(lambda: service.status.ready)
    await publish(bus, event("bad", N="text"))
    (bad,) = await named(bus, spans, f"process {ROUTE}bad")
    assert (StatusCode.ERROR, "error") == (bad.status.status_code, bad.attributes["error.type"])
    assert bad.attributes["kzrules.place"].endswith("rules.kzr:16")
    await publish(bus, event("nowhere"))
    await bus.until(lambda: bus.depth("dead", 2))
    tried = [span for span in spans.get_finished_spans() if span.name == f"process {ROUTE}nowhere"]
    assert [1, 2] == [span.attributes["kzrules.attempt"] for span in tried]
    assert ["unpublished", "unpublished"] == [span.attributes["error.type"] for span in tried]
    assert {TRACE} == {ids(span)[0] for span in tried}


@pytest_twisted.ensureDeferred
async def test_what_a_timer_publishes_begins_a_trace_of_its_own(bus, traced, spans):
    await bus.queue("outputs", "out")
    traced()
    (ticking,) = await named(bus, spans, "publish out")
    assert ticking.parent is None


class Collector(BaseHTTPRequestHandler):
    """What an OpenTelemetry collector is for us: it takes POSTs of spans."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        found = ExportTraceServiceRequest.FromString(body)
        self.server.got += [
            (span.name, resource.resource)
            for resource in found.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.got = []
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest_twisted.ensureDeferred
async def test_the_service_as_a_process_sends_its_spans_by_otlp(bus, serve, collector, monkeypatch):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    service = serve(RULES.partition("every")[0], "--otel")
    await service.consuming(bus, "events")
    await publish(bus, event("quiet"))
    await bus.until(lambda: bus.depth("events", 0))
    assert 0 == await service.stop()
    assert [f"process {ROUTE}quiet"] == [name for name, _ in collector.got]
    facts = {one.key: one.value.string_value for one in collector.got[0][1].attributes}
    assert "kzrules" == facts["service.name"]


@pytest_twisted.ensureDeferred
async def test_a_collector_that_is_not_there_holds_up_neither_events_nor_the_end(bus, serve, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    service = serve(RULES.partition("every")[0])
    await service.consuming(bus, "events")
    await publish(bus, event("quiet"))
    await bus.until(lambda: bus.depth("events", 0))
    assert 0 == await service.stop()
    assert 1 == service.totals()["acknowledged"]
