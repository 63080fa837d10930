"""What an author writes and a sender sends ends in bounded time: values that share their parts above all."""

import time

import pytest

from kzrules.language.check import check
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.message.outcome import Cause
from kzrules.message.payload import Stamp
from kzrules.routing import decide
from kzrules.routing.run import Ground, Run
from kzrules.routing.tables import Tables
from kzrules.words import WORDS

WIDE = "let s = [] let r = [] for i in .l { s = [s, s] r = [r, r] }"
"""Two equal lists that would have 2 to the power of the rounds parts when written out."""
DEEP = "let s = [] let r = [] for i in .l { s = [s] r = [r] }"
USES = {
    "equality": "if s == r { done }",
    "in": "if s in [r] { done }",
    "match": "match s { r => { done } else => { } }",
    "contains": "if contains([r], s) { done }",
    "count": 'info("{count([r], s)}")',
    "unique": 'info("{len(unique([s, r]))}")',
    "key": "t[s] = 1",
    "value": 't["a"] = s',
    "template": 'info("{s}")',
    "json": "info(md5(json(s)))",
    "publish": 'publish("e", "k", { "a": s })',
    "headers": 'publish("e", "k", {}, headers: { "a": s })',
    "query": 'let a = query("e", "k", { "a": s }) else { done } info("{a}")',
    "log": "error(s)",
}
ROUNDS = {
    "sums in three loops": "let x = 0 for a in .l { for b in .l { for c in .l { x = x + 1 } } }",
    "doubled texts": 'let s = "abcdefgh" for a in .l { s = "{s}{s}" }',
    "doubled lists": "let s = [1] for a in .l { s = [...s, ...s] }",
    "squares": "let s = 3 for a in .l { s = s * s }",
    "replaced texts": 'let s = "aa" for a in .l { s = replace(s, "a", "aaaaaaaaaa") }',
    "joined texts": 'let s = ["ab"] for a in .l { s = [join([...s, ...s], ",")] }',
    "encoded texts": 'let s = "ab" for a in .l { s = hex(base64(s)) }',
    "messages": 'for a in .l { for b in .l { for c in .l { publish("e", "k", payload) } } }',
    "put off work": "for a in .l { for b in .l { for c in .l { after 1s as x { info(node) } } } }",
    "subroutines": "r0()",
    "hooks": "emit h0()",
    "searches": "for a in .l { for b in .l { for c in .l { if .t matches /(x+x+)+y/ { done } } } }",
    "forgotten entries": "for a in .l { for b in .l { t[[a, b]] = 1 delete t where value matches /x/ } }",
}
LADDER = [
    f"route r{step}() {{ {call} {call} }}\non h{step}() {{ {emit} {emit} }}"
    for step in range(40)
    for call, emit in [(f"r{step + 1}()", f"emit h{step + 1}()")]
]
FOOT = "route r40() { info(node) }\non h40() { info(node) }"
HEAD = "\n".join(["table t { ttl: 1h, max: 1_000 }", *LADDER, FOOT, ""])


def outcome_of(body, payload):
    text = f"{HEAD}event_route[kazoo:consumer-event] {{ {body} }}"
    tree, found = parse(text, "x.kzr")
    assert [one for one in check([tree], WORDS, earlier=found, texts={"x.kzr": text}) if one.is_error] == []
    declared = declare([tree], {}, "n", words=WORDS)
    ground = Ground(
        compile_program([tree], declared, WORDS),
        Tables(declared.tables.values()),
        Stamp("a", "1", "n", "s"),
        decide.delayed,
    )
    run = Run(ground, payload, 0.0, None, "r")
    began = time.process_time()
    step = decide.start(run, ground.program.routes["kazoo:consumer-event"][0].body)
    assert time.process_time() - began < 10
    return step.outcome


def fails_by_name(outcome):
    return outcome.cause is Cause.ERROR and "Error" not in outcome.why


@pytest.mark.parametrize("use", USES)
def test_a_value_that_shares_its_parts_is_refused_where_it_is_looked_through(use):
    assert fails_by_name(outcome_of(f"{WIDE} {USES[use]}", {"l": list(range(60))}))


@pytest.mark.parametrize("use", USES)
def test_a_value_that_is_too_deep_is_refused_where_it_is_looked_through(use):
    assert fails_by_name(outcome_of(f"{DEEP} {USES[use]}", {"l": list(range(20_000))}))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_rounds_and_ladders_end_in_a_failure_with_a_name(rounds):
    assert fails_by_name(outcome_of(ROUNDS[rounds], {"l": list(range(300)), "t": "x" * 100_000}))
