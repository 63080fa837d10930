"""Declarations become values, with the defaults of the language where they say nothing."""

from datetime import timedelta

import pytest

from kzrules.language.declare import declare, setting_names
from kzrules.language.parse import parse
from kzrules.language.program import BrokerSpec, Secret, ZoneSpec
from kzrules.words import WORDS

SUBSCRIBE = """subscribe s {
    exchange "presence" { type: topic }
    queue "dialogs-{node}" { %s }
    %s
}
"""


def declared(text, overrides=None, node="host.example.com", **more):
    tree, found = parse(text, "rules.kzr")
    assert found == []
    return declare([tree], overrides or {}, node, words=WORDS, **more)


def one(flags="", settings=""):
    made = declared(SUBSCRIBE % (flags, settings))
    assert made.findings == ()
    return made.subscriptions[0]


def test_a_queue_is_as_the_modules_own_unless_told_otherwise():
    spec = one()
    assert (spec.queue.durable, spec.queue.exclusive, spec.queue.auto_delete) == (False, False, True)
    assert spec.queue.name == "dialogs-host.example.com"
    assert (spec.prefetch, spec.immediate, spec.all_zones) == (250, False, False)
    assert (spec.json, spec.schema_mode) == ("strict", "warn")


def test_a_durable_queue_is_a_quorum_queue_that_stays():
    assert (one("durable: true").queue.type, one("durable: true").queue.auto_delete) == ("quorum", False)
    assert one("durable: true, type: classic").queue.type == "classic"
    assert one("durable: true, exclusive: true").queue.type is None
    assert one("durable: 1, auto_delete: 1").queue.auto_delete is True
    assert one("type: quorum").queue.durable is True


@pytest.mark.parametrize(
    ("flags", "settings", "policy"),
    [
        ("", "", (3, 1.0, 30.0, "drop", None)),
        ("durable: true", "", (3, 1.0, 30.0, "dead_letter", "dialogs-host.example.com.dead")),
        ("durable: true", "on_failure: drop", (0, 1.0, 30.0, "drop", None)),
        ("", "on_failure: retry(5, first: 2s)", (5, 2.0, 30.0, "drop", None)),
        (
            "",
            'on_failure: retry(times: 1) then dead_letter("x-{queue}")',
            (1, 1.0, 30.0, "dead_letter", "x-dialogs-host.example.com"),
        ),
        ("", "on_failure: retry(first: 1m) then reject", (3, 60.0, 60.0, "reject", None)),
    ],
)
def test_what_happens_on_failure(flags, settings, policy):
    made = one(flags, settings).on_failure
    assert (made.times, made.first, made.longest, made.last, made.dead_letter) == policy


def test_the_name_of_a_queue_that_the_server_names_is_filled_in_later():
    made = declared('subscribe s { exchange "e" { type: topic } queue "" { durable: true } }')
    assert made.subscriptions[0].on_failure.dead_letter == "{queue}.dead"


def test_duplicates_are_remembered_by_key_and_time():
    made = declared(SUBSCRIBE % ("", "dedupe: by(.Msg-ID, within: 10m, max: 5)"))
    assert (made.subscriptions[0].dedupe.within, made.subscriptions[0].dedupe.limit) == (600.0, 5)
    assert made.asked["s"].dedupe_key.name == "Msg-ID"


def test_expressions_stay_trees_for_the_compiler():
    made = declared(SUBSCRIBE % ("", 'ordered_by: .Call-ID  route_names: ["a-{.Event-Name}", "a"]'))
    assert made.asked["s"].ordered_by.name == "Call-ID"
    assert len(made.asked["s"].route_names) == 2
    assert made.subscriptions[0].ordered is True


def test_exchanges_feed_exchanges():
    made = declared(
        'subscribe s { exchange "e" { type: topic, bindings: {'
        ' "f": { "type": fanout, "routing": ["a", "b"] } } }'
        ' queue "q" { exclusive: true } routing: ["x", "y"] }'
    )
    binding = made.subscriptions[0].exchange.bindings[0]
    assert (binding.source.name, binding.source.type, binding.routing) == ("f", "fanout", ("a", "b"))
    assert made.subscriptions[0].routing == ("x", "y")


def test_settings_are_made_of_settings_and_words():
    made = declared('setting a = lower("X{b}")\nsetting b = 2 * 3 - 1\nsetting c = [b, ...[1]]')
    assert made.settings == {"node": "host.example.com", "a": "x5", "b": 5, "c": [5, 1]}


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        ('"a"', "7", "7"),
        ("5", "7", 7),
        ("5", "7.5", 7.5),
        ("true", "false", False),
        ("5s", "2m", timedelta(minutes=2)),
        ("[1]", "[2, 3]", [2, 3]),
        ("null", "plain", "plain"),
    ],
)
def test_a_setting_from_outside_is_read_by_the_kind_of_its_default(default, text, value):
    made = declared(f"setting a = {default}\nsetting b = a", {"a": text})
    assert made.findings == ()
    assert (made.settings["a"], made.settings["b"]) == (value, value)


@pytest.mark.parametrize(
    ("default", "text"), [("5", "x"), ("5", '"x"'), ("true", "1"), ("5s", "5"), ("5s", "9" * 12 + "d")]
)
def test_a_setting_from_outside_that_does_not_fit_is_refused(default, text):
    made = declared(f"setting a = {default}", {"a": text})
    assert [finding.code for finding in made.findings] == ["KZ305"]


def test_an_unknown_setting_from_outside_is_told_with_the_nearest():
    made = declared("setting lamps = 1", {"lmaps": "2"})
    assert [(one.code, one.help) for one in made.findings] == [("KZ203", "did you mean `lamps`?")]


def test_settings_that_double_each_other_stop_early():
    lines = ['setting a0 = "xxxxxxxxxx"'] + [
        f'setting a{n} = "{{a{n - 1}}}{{a{n - 1}}}"' for n in range(1, 60)
    ]
    assert {finding.code for finding in declared("\n".join(lines)).findings} == {"KZ305"}


def test_the_broker_block():
    made = declared(
        'broker { zone local { "amqp://a:5672" "amqp://b" } zone far { "amqps://c" }\n'
        '  login: secret("broker")  heartbeat: 5s  outbox: 7 }'
    )
    assert made.broker == BrokerSpec(
        (ZoneSpec("local", ("amqp://a:5672", "amqp://b")), ZoneSpec("far", ("amqps://c",))),
        login=Secret("broker"),
        heartbeat=5.0,
        outbox=7,
    )


def test_urls_without_a_zone_are_the_primary_one():
    assert declared('broker { "amqp://a" }').broker.zones == (ZoneSpec("local", ("amqp://a",)),)


def test_a_broker_file_takes_the_place_of_the_block():
    other, _ = parse('broker { "amqp://elsewhere" }', "broker.kzr")
    made = declared('broker { "amqp://here" }', broker_file=other)
    assert made.broker.zones[0].urls == ("amqp://elsewhere",)


def test_tables_and_timers():
    made = declared(
        'table t { ttl: 1h, max: 1_000, default: { "a": 1 } }\nevery 30s { done }\nevery 500ms { done }'
    )
    assert (made.tables["t"].ttl, made.tables["t"].limit, made.tables["t"].default) == (
        3600.0,
        1000,
        {"a": 1},
    )
    assert [(timer.name, timer.interval) for timer in made.timers] == [
        ("rules.kzr:2", 30.0),
        ("rules.kzr:3", 0.5),
    ]


def test_the_environment_is_asked_for_declared_settings_only():
    tree, _ = parse("setting lamps = 1\nsetting x = 2", "a.kzr")
    assert setting_names([tree]) == ["lamps", "x"]


@pytest.mark.parametrize(
    "text",
    [
        'subscribe s { exchange "e" queue "q" { exclusive: true } }',
        'subscribe s { exchange "" { type: topic } queue "q" { exclusive: true } }',
        'subscribe s { exchange "e" { type: topic } queue "q" { type: quorum, exclusive: true } }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} on_failure: retry(first: 5s, longest: 1s) }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} on_failure: dead_letter("a", "b") }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} on_failure: drop then retry(times: 1) }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} dedupe: .Msg-ID }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} route_names: [] }',
        'subscribe s { exchange "e" { type: topic } queue "q" {} routing: 5 }',
        "broker { }",
        "broker { zone a { } }",
        'broker { "amqp://h" certificate: "x" }',
        'broker { "amqp://h" login: "x" }',
        'broker { "amqp://h" login: secret("../x") }',
        "every 0s { done }",
        "table t { default: 5s }",
        "setting a = 1 / 0",
        'setting a = "x" + 1',
    ],
)
def test_what_does_not_fit_is_one_finding(text):
    codes = [finding.code for finding in declared(text).findings]
    assert codes in (["KZ305"], ["KZ304"])
