"""The checker as a whole: no cascades, silences, proofs that can be shown, and files that are broken."""

import json
import time
from datetime import date
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.findings.render import render
from kzrules.language.parse import parse
from kzrules.words import WORDS

HERE = Path(__file__).parent
TODAY = date(2026, 11, 23)


def findings(text, path="rules.kzr", **more):
    tree, found = parse(text, path)
    return check([tree], WORDS, earlier=found, texts={path: text}, today=TODAY, **more)


def codes(text):
    return [finding.code for finding in findings(text)]


def test_the_file_of_the_language_page_is_clean():
    path = HERE / "page" / "whole.kzr"
    warned = findings(path.read_text(), str(path))
    assert [(one.code, one.message) for one in warned] == []


@pytest.mark.parametrize(
    "text",
    [
        "event_route[a] { let x = nothing + 1 if x < 3 { info(x) } }",
        "event_route[a] { let x = frob(nothing(1)) info(x.y.z) }".replace("nothing(1)", "1"),
        "event_route[a] { watchrs[.A] = 1 }\ntable watchers { max: 5 }",
        'event_route[a] { info(greting) }\nsetting greeting = "x"',
    ],
)
def test_one_mistake_is_one_finding(text):
    assert len(codes(text)) == 1


def test_a_name_whose_declaration_could_not_be_read_is_not_missed():
    found = codes("table watchers { ttl: 1h && }\nevent_route[a] { watchers[.A] = 1 let x = && 3 info(x) }")
    assert all(code.startswith("KZ1") for code in found)


def test_seven_separate_mistakes_are_seven_findings():
    text = """setting unused = 1
event_route[a] {
    let q = query("e", "k", {})
    info(frob(.A))
    info("{q}" + "x")
    publish("e", key("a.b"), {}, mandatry: 1)
    nowhere[.A] = 1
    if .A == 1 and .A == 2 { done }
}
"""
    assert len(codes(text)) == 8


SILENT = "# kz: ignore[KZ210]%s\nsetting unused = 1\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (SILENT % ": wanted soon", []),
        (SILENT % " until 2027-01-31: wanted soon", []),
        ("setting unused = 1  # kz: ignore[KZ210]: wanted soon\n", []),
        (SILENT % "", ["KZ901"]),
        (SILENT % " until 2026-11-22: wanted soon", ["KZ902", "KZ210"]),
        ("# kz: ignore[KZ210]: nothing\nevery 1s { done }\n", ["KZ903"]),
        ("# kz: ignore[KZ999]: nothing\nevery 1s { done }\n", ["KZ904"]),
        ("# kz: ignore[KZ201]: no\nevery 1s { info(x) }\n", ["KZ903", "KZ201"]),
    ],
)
def test_silences(text, left):
    assert codes(text) == left


def test_the_payload_of_a_forestalled_route_is_shown():
    text = """subscribe s { exchange "e" { type: topic } queue "q" { exclusive: true } }
event_route[kazoo:consumer-event-presence-dialog-update] when .State in ["early", "confirmed"] { done }
event_route[kazoo:consumer-event-presence-dialog-update] when .State == "early" and .N > 5 { done }
"""
    (found,) = findings(text)
    payload = json.loads(found.note.removeprefix("witness: "))
    assert payload == {
        "Event-Category": "presence",
        "Event-Name": "dialog_update",
        "State": "early",
        "N": 6,
    }
    assert found.labels[0].span.line == 2


def test_enumerations_count_only_where_the_schema_is_enforced():
    text = """subscribe s {
    exchange "e" { type: topic }
    queue "q" { exclusive: true }
    schema_mode: %s
}
event_route[kazoo:consumer-event] when .State in ["trying", "proceeding", "early"] { done }
event_route[kazoo:consumer-event] when .State in ["confirmed", "terminated"] { done }
event_route[kazoo:consumer-event] schema "dialog_update.json" { done }
"""
    path = str(HERE / "page" / "x.kzr")
    assert [one.code for one in findings(text % "reject", path)] == ["KZ402"]
    assert findings(text % "warn", path) == []


def test_a_file_that_others_use_may_declare_more_than_one_program_needs():
    lent, _ = parse("setting a = 1\nroute f() { done }\ntable t { max: 1 }", "common.kzr")
    user, _ = parse('use "common.kzr"\nevery 1s { done }', "main.kzr")
    assert check([lent, user], WORDS) == []


def test_a_thousand_routes_are_checked_in_half_a_second():
    text = 'subscribe s { exchange "e" { type: topic } queue "q" { exclusive: true } }\n' + "".join(
        f"""event_route[kazoo:consumer-event-a-r{number}] when .State == "x{number}" {{
    let k = key("a", .State, "b")
    if .Expires > {number} {{ done("x {{.From}}") }}
    publish("lamps", k, {{ "A": .From, "B": "{{.To}} x" }}, mandatory: false)
    info("{{.From}} is {{.State}}")
}}
"""
        for number in range(1000)
    )
    tree, _ = parse(text, "a.kzr")
    began = time.process_time()
    assert check([tree], WORDS) == []
    assert time.process_time() - began < 0.5


GOLDEN = sorted((HERE / "golden").glob("*.kzr"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_most_likely_mistakes_read_as_they_did(path):
    text = path.read_text()
    name = f"rules/{path.name}"
    shown = render(findings(text, name), {name: text}, 100, False)
    assert shown == path.with_suffix(".txt").read_text()


def test_there_are_thirty_six_of_them():
    assert len(GOLDEN) == 36
