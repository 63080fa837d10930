"""Why each route did or did not take an event."""

import pytest
from rules_by_text import NOW, stage

from kzrules.routing.trace import trace

RULES = """
event_route[kazoo:consumer-event-presence-update] when .State == "early" and .Expires > 60 { }
event_route[kazoo:consumer-event-presence-update] when .State == "late" { }
event_route[kazoo:consumer-event-presence] when not (.A.b == 1) {
    publish("x", key("BLF", .User, node), {})
}
event_route[kazoo:consumer-event] { }
"""
PAYLOAD = {
    "Event-Category": "presence",
    "Event-Name": "update",
    "State": "early",
    "Expires": 5,
    "User": "a.b",
}


def source(text, span):
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


@pytest.fixture
def traced():
    play = stage(RULES, head=HEAD, instrument=True)
    return trace(play.book, play.event(PAYLOAD), NOW)


HEAD = 'subscribe events {\n    exchange "e" { type: topic }\n    queue "q" { durable: true }\n}\n'


def test_names_stand_most_specific_first_with_their_routes(traced):
    assert [
        ("kazoo:consumer-event-presence-update", 2),
        ("kazoo:consumer-event-presence", 1),
        ("kazoo:consumer-event-event-category-event-name", 0),
        ("kazoo:consumer-event-event-category", 0),
        ("kazoo:consumer-event", 1),
    ] == [(candidate.name, len(candidate.routes)) for candidate in traced.candidates]


def test_a_route_that_did_not_take_it_shows_the_condition_that_failed_with_its_values(traced):
    first, second = (route.failed for route in traced.candidates[0].routes)
    assert [(".Expires > 60", [(".Expires", 5)]), ('.State == "late"', [(".State", "early")])] == [
        (
            source(HEAD + RULES, failed.span),
            [(source(HEAD + RULES, span), value) for span, value in failed.reads],
        )
        for failed in (first, second)
    ]


def test_the_route_that_took_it_and_those_behind_it(traced):
    (taken,) = traced.candidates[1].routes
    (last,) = traced.candidates[4].routes
    assert taken.taken
    assert not last.reached


def test_a_key_is_shown_segment_by_segment(traced):
    (key,) = traced.keys
    assert "BLF.a%2Eb.sip%2Eexample%2Ecom" == key.key
    assert ["BLF", "a.b", "sip.example.com"] == [segment.value for segment in key.segments]


def test_a_book_that_is_not_instrumented_is_refused():
    play = stage(RULES, head=HEAD)
    with pytest.raises(ValueError, match="not instrumented"):
        trace(play.book, play.event(PAYLOAD), NOW)
