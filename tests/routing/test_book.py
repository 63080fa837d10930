"""Deliveries become events, and events find their route."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_by_text import HEAD, IDENTITY, NOW, stage

from kzrules.message.delivery import Delivery, Source
from kzrules.message.outcome import Ack, Cause, Reject, Retry
from kzrules.routing.book import Book
from kzrules.routing.decide import Ended
from kzrules.routing.load import load
from kzrules.routing.run import Run
from kzrules.wire import retries

RULES = """
event_route[kazoo:consumer-event-a-b] when .N == 1 { info("first") }
event_route[kazoo:consumer-event-a-b] when .N == 2 { info("second") }
event_route[kazoo:consumer-event-a] when .N < 4 { info("less specific") }
event_route[kazoo:mod-init] { info("own") }
event_route[kazoo:consumer-event-connection-open] { info("own") }
"""


def event_of(number):
    return {"Event-Category": "A", "Event-Name": "b", "N": number}


@pytest.mark.parametrize(("number", "line"), [(1, "first"), (2, "second"), (3, "less specific")])
def test_the_first_route_takes_it_whose_when_holds_then_the_next_less_specific_name(number, line):
    assert line == stage(RULES).run(event_of(number)).logs[0].text


def test_an_event_that_no_route_takes_is_done_and_unmatched():
    step = stage(RULES).run(event_of(4))
    assert Ack("kazoo:consumer-event-a-b", unmatched=True) == step.outcome
    assert step.route is None


def test_an_error_in_when_is_an_error_of_the_rule():
    step = stage(RULES).run(event_of("x") | {"N": None})
    assert Cause.ERROR is step.outcome.cause
    assert 10 == step.outcome.place.line


@pytest.mark.parametrize("payload", [{"Event-Category": "connection", "Event-Name": "open"}])
def test_the_services_own_names_cannot_be_reached_from_the_bus(payload):
    assert stage(RULES).run(payload).outcome.unmatched


LATE = """
event_route[kazoo:consumer-event-directory-authn-resp] when .N == 1 { info("late {.N} {meta.routing_key}") }
event_route[kazoo:consumer-event] { info("fallback") }
"""


@pytest.mark.parametrize(("number", "line"), [(1, "late 1 k"), (2, "fallback")])
def test_a_late_answer_is_named_by_the_modules_five_steps(number, line):
    delivery = Delivery(Source("replies", "q", "local", 1, 1), 1, False, "targeted", "k", b"\0\0", b"{}")
    payload = {"Event-Category": "directory", "Event-Name": "authn_resp", "N": number}
    assert line == stage(LATE).book.run_late_answer(delivery, payload, NOW).logs[0].text


def test_a_late_answer_that_no_route_takes_is_unmatched():
    delivery = Delivery(Source("replies", "q", "local", 1, 1), 1, False, "targeted", "k", b"\0\0", b"{}")
    assert stage(RULES).book.run_late_answer(delivery, {}, NOW).outcome.unmatched


NAMED = """
subscribe events {
    exchange "events" { type: topic }
    queue "q" { durable: true }
    routing: "#"
    route_names: ["n-{.A}-{.B}", "n-{.A}-{meta.routing_key}", "n-{.A ?? meta.zone}", "rest"]
    ordered_by: .Call-ID
    dedupe: by([.A, .B], within: 10m)
}
"""


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        ({"A": "X_Y", "B": "Z"}, ("n-x-y-z", "n-x-y-a.b", "n-x-y", "rest")),
        ({"A": "x", "B": ""}, ("n-x-a.b", "n-x", "rest")),
        ({"A": "x", "B": None}, ("n-x-a.b", "n-x", "rest")),
        ({}, ("n-local", "rest")),
        ({"A": "x", "B": 1}, ("n-x-1", "n-x-a.b", "n-x", "rest")),
        ({"A": "x", "B": True}, ("n-x-true", "n-x-a.b", "n-x", "rest")),
    ],
)
def test_templates_give_names_and_are_passed_over_where_a_field_is_missing_or_empty(payload, names):
    play = stage("", head=NAMED)
    for _ in range(2):
        event = play.event(payload)
        run = Run(play.book.ground, event.received, NOW, event, None)
        assert names == play.book.names["events"].of(run).names


def test_order_and_dedupe_keys():
    play = stage("", head=NAMED)
    event = play.event({"Call-ID": "c", "A": 1, "B": True})
    assert "c" == play.book.order_key(event)
    assert play.book.dedupe_key(event) == play.book.dedupe_key(play.event({"A": 1.0, "B": True}))
    assert play.book.dedupe_key(event) != play.book.dedupe_key(play.event({"A": 1, "B": 1}))
    assert play.book.order_key(play.event({})) is None


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"a":NaN}', b"{" * 5000])
def test_an_unreadable_payload_is_rejected_with_its_reason(body):
    refused = stage(RULES).event(body)
    assert isinstance(refused, Reject)
    assert Cause.PAYLOAD is refused.cause


def test_lenient_json_is_read_where_the_subscription_says_so():
    head = 'subscribe events { exchange "e" { type: topic } queue "q" { durable: true } json: lenient }'
    event = stage("", head=head).event(b"{'a': 1,}")
    assert 1 == event.received["a"]


def test_arrival_marks_the_payload_as_the_module_does():
    received = stage(RULES).event({"Server-ID": "s@h", "AMQP-Received": "x"}, now=1234.9).received
    assert ("consumer://7/s@h", "local", 1234) == (
        received["Server-ID"],
        received["AMQP-Broker-Zone"],
        received["AMQP-Received"],
    )
    assert "Server-ID" not in stage(RULES).event({"Server-ID": ""}).received


def test_a_retry_shows_the_original_delivery():
    play = stage(RULES)
    source = Source("events", "q", "local", 7, 1)
    first = Delivery(source, 1, False, "presence", "dialog.x", b"\0\0", b"{}")
    event = play.book.decode(retries.retried(first, 3, "random"), NOW)
    assert ("presence", "dialog.x", 3, True, "random") == (
        event.exchange,
        event.routing_key,
        event.attempt,
        event.exempt,
        event.random_id,
    )


@pytest.mark.parametrize(("mode", "kind"), [("reject", Reject), ("warn", Ack), ("off", Ack)])
def test_a_schema_is_applied_before_when_in_the_mode_of_the_subscription(mode, kind):
    head = HEAD.replace("routing:", f"schema_mode: {mode} routing:")
    rules = 'event_route[kazoo:consumer-event] schema "s.json" when .A == 1 { info("ran") }'
    refuse = {("rules.kzr", "s.json"): lambda payload: None if payload == {"A": 1} else "A is wrong"}
    play = stage(rules, head=head, validators=refuse)
    step = play.run({"A": 2})
    assert kind is type(step.outcome)
    assert (mode == "warn") == any("breaks the schema s.json: A is wrong" in log.text for log in step.logs)
    assert ["ran"] == [log.text for log in play.run({"A": 1}).logs]


def test_the_languages_whole_example_loads_and_runs(tmp_path):
    page = tmp_path / "lamps.kzr"
    page.write_text(
        """
        subscribe s { exchange "e" { type: topic } queue "q" { durable: true } routing: "#" }
        event_route[kazoo:consumer-event] schema "s.json" { reject("{.A}") }
        """
    )
    (tmp_path / "s.json").write_text(json.dumps({"properties": {"A": {"type": "string"}}}))
    loaded = load([page], {}, "host", IDENTITY)
    assert isinstance(loaded.book, Book)
    again = load([page], {}, "host", IDENTITY, loaded.book.tables)
    assert again.book.generation > loaded.book.generation


def test_rules_with_errors_give_findings_and_no_book(tmp_path):
    page = tmp_path / "bad.kzr"
    page.write_text("event_route[a] { nothing() }")
    loaded = load([page], {}, "host", IDENTITY)
    assert loaded.book is None
    assert any(finding.is_error for finding in loaded.findings)


def test_loops_deeper_than_python_compiles_are_a_finding(tmp_path):
    page = tmp_path / "deep.kzr"
    page.write_text(
        'subscribe s { exchange "e" { type: topic } queue "q" { durable: true } routing: "#" }\n'
        "event_route[kazoo:consumer-event] { " + "for a in .L { " * 25 + "}" * 26
    )
    loaded = load([page], {}, "host", IDENTITY)
    assert loaded.book is None
    assert any("too deep" in finding.message for finding in loaded.findings)


WILD = """
table seen { ttl: 1m, max: 100 }
event_route[kazoo:consumer-event] {
    let realm = lower(.Realm ?? "none")
    let total = 0
    for channel in .Channels ?? [] { total = total + (channel.Weight ?? 1) }
    for k, v in .Extra ?? {} { seen[[realm, k]] = v lasting (.Expires ?? 5) * 1s }
    if .State in ["a", "b", "c", "d", "e", "f"] and .Name matches /^(x+)+$/ { done("{.Name}") }
    match .Kind { "one", "two" => { reject("{.Kind} {total}") } else => { info("{payload}") } }
    publish("x", key("a", realm, .User ?? "*"), { ...received, "Total": total, "First": .Channels[0].Name })
    increment(seen[.User ?? "nobody"])
    let parts = split(.Name ?? "", ",")
    info("{len(parts)} {join(parts, .Separator ?? "-")} {.Extra == .Other}")
    if .Expires > 3 { retry("{.Expires}") }
}
"""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["a", "one", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx!"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)
FIELDS = ["Realm", "Channels", "Extra", "Other", "Expires", "State", "Name", "Kind"]
FIELDS += ["User", "Separator", "Msg-ID", "Server-ID", "Event-Name"]
PLAY = stage(WILD)


@settings(max_examples=100, deadline=2000)
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON))
def test_no_payload_makes_a_rule_raise_anything_but_its_own_named_failure(payload):
    event = PLAY.event(json.dumps(payload).encode())
    if isinstance(event, Reject):
        return
    step = PLAY.book.run(event, NOW)
    assert isinstance(step, Ended)
    assert isinstance(step.outcome, Ack | Reject | Retry)
    if isinstance(step.outcome, Reject) and step.outcome.cause is Cause.ERROR:
        assert "Error:" not in step.outcome.why
        assert step.outcome.place is not None
    assert len(PLAY.book.tables["seen"].entries) <= 100


def test_books_are_told_apart_by_their_generation():
    first, second = stage(RULES).book, stage(RULES).book
    assert second.generation > first.generation
