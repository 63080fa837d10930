"""The runner of `test` blocks, and what it says about coverage."""

import pytest

from kzrules.language import tree as syntax
from kzrules.language.parse import parse
from kzrules.routing.coverage import measure
from kzrules.routing.trial import Rules, run
from kzrules.words import WORDS

HEAD = """
setting greeting = "hello"

subscribe all {
    exchange "bus" { type: topic }
    queue "all" { durable: true }
    routing: ["a.*"]
    route_names: ["on:{.Name}"]
}

table seen { ttl: 10s, max: 10, default: 0 }
"""


def verdicts(text):
    tree, findings = parse(HEAD + text, "t.kzr")
    assert [finding.message for finding in findings] == []
    rules = Rules((tree,), WORDS, {}, {"t.kzr": HEAD + text})
    tests = [item for item in tree.declarations if isinstance(item, syntax.Test)]
    return [run(rules, test) for test in tests], rules


def said(text):
    found, _ = verdicts(text)
    return [mismatch.message for verdict in found for mismatch in verdict.mismatches]


PUBLISH = 'event_route[on:x] { publish("out", "k", { "A": greeting, "N": node, "T": now() }) }\n'


def test_settings_node_and_time_are_those_that_the_test_gives():
    assert (
        said(
            PUBLISH
            + """test "t" {
    given greeting = "good evening"
    given node = "n.example.com"
    given now = "2026-11-23T10:00:00Z"
    event { "Name": "x" }
    expect publish("out", "k", { "A": "good evening", "N": "n.example.com", "T": 1795428000 })
}"""
        )
        == []
    )


def test_actions_are_expected_in_their_order():
    rule = 'event_route[on:x] { publish("out", "one", {}) publish("out", "two", {}) }\n'
    in_order = 'expect publish("out", "one") expect publish("out", "two")'
    assert said(f'{rule}test "t" {{ event {{ "Name": "x" }} {in_order} }}') == []
    reverse = 'expect publish("out", "two") expect publish("out", "one")'
    assert said(f'{rule}test "t" {{ event {{ "Name": "x" }} {reverse} }}') == [
        "this publish came before what the line above expects"
    ]


def test_whether_a_reply_is_the_last_one_is_compared_too():
    rule = "event_route[on:x] { reply({}, last: false) reply({}) }\n"
    event = 'event { "Name": "x", "Server-ID": "asker" }'
    assert (
        said(f'{rule}test "t" {{ {event} expect reply(has {{}}, last: false) expect reply(last: true) }}')
        == []
    )
    wrong = said(f'{rule}test "t" {{ {event} expect reply(has {{}}, last: true) expect reply(last: false) }}')
    assert wrong == ["this reply came before what the line above expects"]


def test_an_unroutable_message_fails_the_event():
    steps = 'given publish("out") fails "unroutable" event { "Name": "x" } expect retry("unroutable")'
    assert said(f'{PUBLISH}test "t" {{ {steps} }}') == []


def test_time_runs_timers_delayed_blocks_and_expiries_in_their_order():
    assert (
        said(
            """
every 4s { info("tick") }
on expired seen(key, value) { info("{key} is gone") }
event_route[on:x] {
    seen["k"] = 1
    after 5s as later { info("later") }
}
test "t" {
    event { "Name": "x" }
    expect seen["k"] == 1
    pass 11s
    expect info("tick")
    expect info("later")
    expect info("tick")
    expect info("k is gone")
    expect seen["k"] == 0
}"""
        )
        == []
    )


def test_what_runs_once_at_the_start_runs_before_a_first_pass():
    text = 'event_route[kazoo:mod-init] { info("ready") }\ntest "t" { pass 0s expect info("ready") }'
    assert said(text) == []


def test_properties_of_the_event_reach_the_rule():
    line = "{meta.routing_key} {meta.headers.h} {meta.attempt} {meta.redelivered}"
    rule = f'event_route[on:x] {{ info("{line}") }}\n'
    given = 'routing_key: "a.b", headers: { "h": 7 }, attempt: 3, redelivered: true'
    event = f'event on all ({given}) {{ "Name": "x" }}'
    assert said(f'{rule}test "t" {{ {event} expect info("a.b 7 3 true") }}') == []


def test_an_unreadable_body_is_a_failure_that_can_be_expected():
    assert said('test "t" { event "no json" expect fail("not JSON") }') == []


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("expect done", 'it ended in retry("later"), not in done'),
        ('expect retry("never")', 'it ended in retry("later"), not in retry("never")'),
        ("expect no route", "route on:x took the event, and none should"),
        ('expect not info("here")', "info was done, and should not be"),
        ("expect reply({})", "there was no reply"),
        ('expect seen["a"] == 1', 'seen["a"] == 1 is not so'),
    ],
)
def test_what_was_not_met_is_said_in_a_sentence(expected, message):
    rule = 'event_route[on:x] { info("here") retry("later") }\n'
    assert said(f'{rule}test "t" {{ event {{ "Name": "x" }} {expected} }}') == [message]


def test_an_expectation_before_anything_happened_is_a_mistake():
    assert said('test "t" { expect done }') == [
        "nothing has happened yet: an `event` or a `pass` stands before it"
    ]


def test_rules_without_a_subscription_can_take_no_event():
    tree, _ = parse('event_route[x] { }\ntest "t" { event { } }', "t.kzr")
    verdict = run(Rules((tree,), WORDS, {}, {}), tree.declarations[1])
    assert "no `subscribe`" in verdict.mismatches[0].message


def test_coverage_counts_nodes_and_gives_reasons():
    found, rules = verdicts(
        """
event_route[on:x] when .A == 1 {
    if .B == 1 { info("b") } else { info("no b") }
    if .C == 1 { done }
    match .D { 1 => { info("1") } 2 => { info("2") } }
    info("end")
}
event_route[on:y] { helper(1) }
event_route[on:x] when .A == 2 { info("two") }
route helper(a) { info("{a}") }
test "t" { event { "Name": "x", "A": 1, "B": 1, "C": 1 } }
"""
    )
    assert found[0].passed
    coverage = measure(rules.files, rules.seen)
    assert coverage.of("route") == (1, 4)
    reasons = {(item.name, item.span.line - HEAD.count("\n")): item.reason for item in coverage.missed}
    assert reasons["else", 3] == "condition always true"
    assert reasons["no else", 4] == "condition always true"
    assert reasons["info", 6] == "stopped before"
    assert reasons["event_route[on:y]", 8] == "no event of that name"
    assert reasons["event_route[on:x]", 9] == "other routes took every event of that name"
    assert reasons["route helper", 10] == "nothing called it"
    assert 0 < coverage.percent < 100


def test_the_trace_of_a_failure_has_conditions_with_their_values():
    found, _ = verdicts(
        "event_route[on:x] when .A == 1 { if .B > 2 { done } }\n"
        'test "t" { event { "Name": "x", "A": 1, "B": 2 } expect retry }'
    )
    assert [(line.what, line.source, line.value, line.reads) for line in found[0].lines] == [
        ("when", ".A == 1", True, ((".A", "1"),)),
        ("if", ".B > 2", False, ((".B", "2"),)),
    ]
