"""What the checker proves of routes and conditions is true of every payload, and its witness shows it."""

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.language.check import check
from kzrules.language.checking.reach_logic import literal_start
from kzrules.language.checking.reach_witness import name_fields
from kzrules.language.parse import parse
from kzrules.language.tree import EventRoute
from kzrules.words import WORDS


def beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


evaluator = beside("evaluator")

FIELDS = [".A", ".B", ".C.d"]
CONSTANTS = ["1", "1.0", "true", "null", '"sip:1"', '"sip:12"', '"tel:"', '"x"', "2"]
atoms = st.one_of(
    st.builds("{} == {}".format, st.sampled_from(FIELDS), st.sampled_from(CONSTANTS)),
    st.builds("{} != {}".format, st.sampled_from(FIELDS), st.sampled_from(CONSTANTS)),
    st.builds(
        "({} ?? {}) == {}".format,
        st.sampled_from(FIELDS),
        st.sampled_from(CONSTANTS),
        st.sampled_from(CONSTANTS),
    ),
    st.builds(
        "{} in [{}]".format,
        st.sampled_from(FIELDS),
        st.lists(st.sampled_from(CONSTANTS), min_size=1, max_size=3).map(", ".join),
    ),
    st.builds(
        "{} matches /^{}/".format, st.sampled_from(FIELDS), st.sampled_from(["sip:", "sip:1", "x$", "s|t"])
    ),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not ({}))".format, inner),
    ),
    max_leaves=4,
)
VALUES = [1, 1.0, True, False, None, "sip:1", "sip:12", "tel:", "x", "", 2, [1]]
payloads = st.fixed_dictionaries(
    {},
    optional={
        "A": st.sampled_from(VALUES),
        "B": st.sampled_from(VALUES),
        "C": st.one_of(st.sampled_from(VALUES), st.fixed_dictionaries({"d": st.sampled_from(VALUES)})),
    },
)


def holds(condition, payload):
    """True, False, or None where the condition itself fails."""
    try:
        return evaluator.truth(evaluator.value_of(condition, evaluator.World(payload), [{}]))
    except evaluator.Fails:
        return None


def program(*whens):
    text = "".join(f"event_route[a] when {when} {{ done }}\n" for when in whens)
    tree, found = parse(text, "a.kzr")
    assert found == []
    routes = [item.when for item in tree.declarations if isinstance(item, EventRoute)]
    return routes, check([tree], WORDS)


@settings(max_examples=400, deadline=None)
@given(st.lists(conditions, min_size=2, max_size=3), st.lists(payloads, min_size=20, max_size=20))
def test_no_payload_comes_to_a_route_that_is_said_to_be_forestalled(whens, messages):
    routes, found = program(*whens)
    for finding in found:
        number = finding.span.line - 1
        if finding.code == "KZ403":
            assert not any(holds(routes[number], message) for message in messages)
        elif finding.code == "KZ402":
            for message in messages:
                taken = [holds(route, message) for route in routes[:number]]
                if holds(routes[number], message):
                    assert any(one is not False for one in taken), (whens, message)


@settings(max_examples=400, deadline=None)
@given(conditions, conditions)
def test_the_witness_meets_both_conditions(first, second):
    routes, found = program(first, f"({first}) and ({second})")
    for finding in found:
        if finding.code == "KZ402" and finding.note.startswith("witness: "):
            payload = json.loads(finding.note.removeprefix("witness: "))
            # None: the condition fails on this payload, and then neither route goes on
            assert holds(routes[1], payload) is not False, (payload, first, second)
            assert holds(routes[0], payload) is not False, (payload, first, second)


@pytest.mark.parametrize(
    ("pattern", "start", "whole"),
    [
        ("^sip:", "sip:", True),
        ("^sip:1+", "sip:1", False),
        ("^sip:1*", "sip:", False),
        (r"^a\.b", "a.b", True),
        ("^a|b", "", False),
        ("sip:", "", False),
        ("^abc$", "abc", False),
    ],
)
def test_the_text_that_every_match_begins_with(pattern, start, whole):
    assert literal_start(pattern) == (start, whole)


def test_the_fields_that_give_a_name():
    assert name_fields("kazoo:consumer-event-presence-dialog-update", "Event-Category", "Event-Name") == {
        "Event-Category": "presence",
        "Event-Name": "dialog_update",
    }
    assert name_fields("lamps", "a", "b") == {}
