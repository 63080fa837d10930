"""A word that stands in the rule as Python does there what its function does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.language.values import FREE
from kzrules.message.payload import Stamp
from kzrules.routing import decide
from kzrules.routing.run import Ground, Run
from kzrules.routing.tables import Tables
from kzrules.words import WORDS

IN_PLACE = sorted(name for name, word in WORDS.items() if word.in_place)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=2))


def condition(text):
    """A route's condition as the service calls it."""
    file, findings = parse(f"event_route[kazoo:x] when {text} {{ }}", "x.kzr")
    assert findings == []
    program = compile_program([file], declare([file], {}, "host", words=WORDS), WORDS)
    ground = Ground(program, Tables(()), Stamp("a", "1", "n", "s"), decide.delayed)
    when = program.routes["kazoo:x"][0].when
    return lambda payload: when(Run(ground, payload, 0.0, None, None), payload)


WHENS = {name: condition(f'{name}(.a, "b")') for name in IN_PLACE}


def outcome(call):
    try:
        return call()
    except RuleFailure as failure:
        return str(failure)


def test_some_words_stand_in_place():
    assert {"contains", "starts_with", "ends_with"} <= set(IN_PLACE)


@settings(deadline=None)
@given(name=st.sampled_from(IN_PLACE), value=VALUES)
def test_it_does_what_its_function_does(name, value):
    word = WORDS[name]
    pays = [FREE] if word.needs_budget else []
    expected = outcome(lambda: word.call(*pays, value, "b"))
    assert expected == outcome(lambda: WHENS[name]({"a": value}))


@pytest.mark.parametrize(
    ("items", "expected"), [(["x"], True), ([], False), (["y"], False), ({"0": "x"}, False), ("x", False)]
)
def test_an_item_by_a_known_number_is_null_where_there_is_none(items, expected):
    assert condition('.a[0] == "x"')({"a": items}) is expected


@pytest.mark.parametrize(("value", "expected"), [(3, True), (3.0, True), (2, False), (-7, True)])
def test_counting_on_from_a_number_of_any_kind(value, expected):
    assert condition("(.a * 2 + 1) % 4 - 2 > 0")({"a": value}) is expected


def test_counting_on_from_what_is_no_number_fails_by_name():
    assert outcome(lambda: condition("10 - .a * 2 > 1")({"a": "3"})) == (
        "`*` needs two numbers, and here are text and an integer"
    )
