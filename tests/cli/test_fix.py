"""`check --fix`: what it mends, what it leaves to the author, and that every format carries the edits."""

import json

import pytest
from click.testing import CliRunner

from kzrules.cli.command import verbs
from kzrules.language.findings.respell import meant

WRONG = """\
language 1

subscrbe other {
    exchange "more" { type: topic }
    queue "more" { durable: true }
    routing: ["#"]
    route_names: ["all"]
}

subscribe all {
    exchange "bus" { type: topci, durabel: true }
    queue "all" { durable: true }
    routing: ["#"]
    route_nams: ["all"]
}

table watchers { ttl: 1h, max: 1000 }

event_route[all] {
    let unused = .Number
    let count = 1
    coutn = 2
    count++
    watcher[.A] = count
    if meta.routingkey == "a" { return }
    let low = lowr(.From) else { done }
    # kz: ignore[KZ402]: nothing
    publish("a", "b", { "A": low }, mandatry: false)
    info("{watchers[.B]} {conut}")
}
"""

RIGHT = """\
language 1

subscribe other {
    exchange "more" { type: topic }
    queue "more" { durable: true }
    routing: ["#"]
    route_names: ["all"]
}

subscribe all {
    exchange "bus" { type: topic, durable: true }
    queue "all" { durable: true }
    routing: ["#"]
    route_names: ["all"]
}

table watchers { ttl: 1h, max: 1000 }

event_route[all] {
    let count = 1
    count = 2
    count = count + 1
    watchers[.A] = count
    if meta.routing_key == "a" { done }
    let low = lower(.From)
    publish("a", "b", { "A": low }, mandatory: false)
    info("{watchers[.B]} {count}")
}
"""

HEAD = """\
subscribe all {
    exchange "bus" { type: topic }
    queue "all" { durable: true }
    routing: ["#"]
    route_names: ["all"]
}

event_route[all] {
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(text, *options):
        (tmp_path / "a.kzr").write_text(text)
        done = CliRunner().invoke(verbs, ["check", "a.kzr", *options], standalone_mode=False)
        return done, (tmp_path / "a.kzr").read_text()

    return run


def test_every_slip_that_can_mean_one_thing_only_is_mended(check):
    done, after = check(WRONG, "--fix")
    assert (0, RIGHT) == (done.return_value, after)


def test_the_change_is_shown_and_nothing_is_written(check):
    done, after = check(WRONG, "--diff")
    assert after == WRONG
    assert '+    exchange "bus" { type: topic, durable: true }\n' in done.stdout
    assert "-    let unused = .Number\n" in done.stdout


def test_every_fix_is_in_json_and_in_sarif(check):
    found = json.loads(check(WRONG, "--format", "json")[0].stdout)
    run = json.loads(check(WRONG, "--format", "sarif")[0].stdout)["runs"][0]
    fixable = [one["code"] for one in found if one["fix"] and one["fix"]["safe"]]
    assert len(fixable) >= 13
    carried = [one["ruleId"] for one in run["results"] if one.get("fixes")]
    assert fixable == [code for code in carried if code in fixable]


def test_a_mark_tells_which_findings_fix_mends(check):
    shown = check(WRONG)[0].stdout
    assert "= help: did you mean `durable`?  [--fix]" in shown


@pytest.mark.parametrize(
    "body",
    [
        "    info(Numbr)",  # a field without its dot, or a name
        "    let y = mix(1, 2)\n    info(y)",  # `min` or `max`
        "    let x = .A  # said why\n    done",  # a comment would be lost
        "    let x = lower(.A)\n    done",  # the call may fail, and that may be meant
        "    return 5",  # a value that goes nowhere
    ],
)
def test_what_may_mean_something_else_is_left_to_the_author(check, body):
    text = f"{HEAD}{body}\n}}\n"
    _, after = check(text, "--fix")
    assert after.startswith(HEAD)
    assert body.split("(", maxsplit=1)[0].split("\n", maxsplit=1)[0] in after


@pytest.mark.parametrize(
    ("wrong", "known", "expected"),
    [
        ("durabel", {"durable", "type"}, "durable"),
        ("Routing-Key", {"routing_key"}, "routing_key"),
        ("uri_hort", {"uri_host", "uri_port"}, None),
        ("mix", {"min", "max"}, None),
        ("lowercase", {"lower"}, None),
        ("lower", {"lower"}, None),
        ("", {"lower"}, None),
    ],
)
def test_one_name_alone_can_be_meant(wrong, known, expected):
    assert expected == meant(wrong, known)
