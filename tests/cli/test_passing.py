"""`trace` and `diff` run what needs no event: mod-init, timers, `after` blocks, expiries."""

import json

import pytest
from click.testing import CliRunner

from kzrules.cli.command import verbs

OLD = """\
language 1

subscribe calls {
    exchange "callevt" { type: topic }
    queue "calls" { durable: true }
    routing: ["call.*.*"]
    route_names: ["call:{.Event-Name}"]
}

table seen { ttl: 1m, max: 1000, default: 0 }

event_route[kazoo:mod-init] {
    publish("hello", "a", { "Up": true }, mandatory: false)
}

event_route[call:ring] {
    seen[.Call-ID] = 1
    after 20s as lamp_off {
        publish("lamps", "off", { "After": 20 }, mandatory: false)
    }
}

every 30s {
    publish("ticks", "tick", { "Now": now() }, mandatory: false)
}

on expired seen(key, value) {
    info("forgot {key} {value}")
}
"""
RING = {"payload": {"Event-Name": "ring", "Call-ID": "a"}}
EVENTS = [
    RING | {"received_at": "2026-01-01T12:00:00Z"},
    RING | {"received_at": "2026-01-01T12:01:25Z"},
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "old.kzr").write_text(OLD)

    def call(*arguments, events=EVENTS):
        lines = "".join(json.dumps(event) + "\n" for event in events)
        (tmp_path / "events.jsonl").write_text(lines)
        (tmp_path / "one.json").write_text(json.dumps(events[0]))
        done = CliRunner().invoke(
            verbs, arguments, input=lines, standalone_mode=False, catch_exceptions=False
        )
        return done.stdout

    return call


def test_trace_of_one_event_tells_what_its_after_block_will_do(run):
    told = json.loads(run("trace", "old.kzr", "one.json", "--json"))
    assert ["kazoo:mod-init"] == [one["what"] for one in told["before"]]
    assert [("after lamp_off", 1767268820.0)] == [(one["what"], one["at"]) for one in told["later"]]
    assert {"After": 20}.items() <= told["later"][0]["actions"][0]["body"].items()


def test_trace_of_a_capture_runs_what_falls_due_in_its_order(run):
    first, second, end = map(json.loads, run("trace", "old.kzr", "-", "--json").splitlines())
    ran = [(one["what"], one["at"] - 1767268800) for one in second["before"]]
    assert [("after lamp_off", 20), ("every 30s", 30), ("every 30s", 60), ("on expired seen", 60)] == ran
    assert second["before"][3]["logs"] == [{"level": "info", "text": "forgot a 1"}]
    assert (first["event"], end["event"], end["later"][0]["what"]) == (1, None, "after lamp_off")


def test_trace_tells_people_the_same_within_the_width(run):
    out = run("trace", "old.kzr", "-")
    assert "before event 2\n  12:00:20  after lamp_off\n" in out
    assert "behind the last event\n  12:01:45  after lamp_off\n" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_capture_without_times_runs_no_timer(run):
    lines = run("trace", "old.kzr", "-", "--json", events=[RING, RING]).splitlines()
    assert [[], ["kazoo:mod-init"]] == sorted(
        [one["what"] for one in json.loads(line)["before"]] for line in lines[:2]
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('"Up": true', '"Up": false'), ["kazoo:mod-init: publish to hello: body.Up"]),
        (('"tick"', '"tock"'), ["every 30s: publish to ticks: key"]),
        (('"After": 20', '"After": 25'), ["after lamp_off: publish to lamps: body.After"]),
        (("every 30s", "every 80s"), ["every 30s: runs no more", "every 80s: runs now"]),
        (('info("forgot {key} {value}")', 'publish("x", "y", {})'), ["on expired seen: new publish to x"]),
    ],
)
def test_diff_compares_what_runs_between_events(run, tmp_path, change, expected):
    (tmp_path / "new.kzr").write_text(OLD.replace(*change))
    found = json.loads(run("diff", "old.kzr", "new.kzr", "events.jsonl", "--format", "json"))
    assert expected == [line for group in found["groups"] for line in group["changes"]]
    assert found["changed"] == 0 < found["changed_between"]


def test_diff_says_that_a_capture_without_times_ran_no_timer(run, tmp_path):
    (tmp_path / "new.kzr").write_text(OLD.replace('"tick"', '"tock"'))
    out = run("diff", "old.kzr", "new.kzr", "events.jsonl", events=[RING])
    assert "nothing changes; no event says when it came (`received_at`), so no timer ran" in " ".join(
        out.split()
    )


def test_equal_rules_do_the_same_at_every_time(run):
    assert "nothing changes" in run("diff", "old.kzr", "old.kzr", "events.jsonl")
