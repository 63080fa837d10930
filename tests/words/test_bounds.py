"""No word grows beyond its bounds, hangs, or raises anything but its own named failure."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.language.word import Doing
from kzrules.words import WORDS

MIB = 1024 * 1024
TEXT = st.text(max_size=30) | st.sampled_from(
    ["sip:a@b:1", "[::1]", "a=1;b", "1e999", "(", "[", "%Q", "\ud800", "10.0.0.0/8"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


class Run:
    now = 1_790_000_000.0

    def uuid(self):
        return "00000000-0000-0000-0000-000000000000"

    def spend(self, steps):
        """Nothing to pay."""


def called(name, *arguments):
    word = WORDS[name]
    return word.call(*([Run()] if word.needs_run or word.needs_budget else []), *arguments)


@given(
    name=st.sampled_from([word.name for word in WORDS.values() if word.doing is Doing.VALUE]), data=st.data()
)
@settings(max_examples=3000, deadline=None)
def test_whatever_a_word_is_given_it_gives_a_value_or_its_own_failure(name, data):
    word = WORDS[name]
    low = sum(not parameter.rest for parameter in word.parameters)
    many = any(parameter.rest for parameter in word.parameters)
    arguments = data.draw(st.lists(VALUES, min_size=low, max_size=low + 3 * many))
    with contextlib.suppress(RuleFailure):
        called(name, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("replace", ("a" * MIB, "a", "b" * 17)),
        ("replace_matches", ("a" * 4096, "", "b" * 8192)),
        ("join", (["a"] * 20_000, "b" * 1000)),
        ("join", (["a" * MIB] * 17, "")),
        ("upper", ("ß" * (9 * MIB),)),
        ("split", ("," * MIB, ",")),
        ("param", (";" * MIB, "a")),
        ("format_time", ("%F" * 501,)),
        ("int", ("9" * 4301,)),
        ("number", ("9" * 4301,)),
        ("parse_json", ("9" * 4301,)),
        ("parse_json", ("[" * 500 + "]" * 500,)),
    ],
)
def test_what_would_grow_too_large_is_refused_before_it_is_made(name, arguments):
    with pytest.raises(RuleFailure):
        called(name, *arguments)


def test_a_pattern_that_ruins_backtracking_engines_takes_no_time():
    began = time.perf_counter()
    assert called("captures", "a" * 100_000 + "b", "^(a+)+$") is None
    assert called("replace_matches", "a" * 50_000 + "b", "(a*)*c", "x") == "a" * 50_000 + "b"
    assert time.perf_counter() - began < 5


def test_an_address_of_megabytes_is_read_in_linear_time():
    began = time.perf_counter()
    for name in ("uri_user", "uri_host", "uri_port", "uri_transport", "uri_domain", "uri_scheme"):
        called(name, '"' + "\\" * MIB)
        called(name, "<" * MIB)
        called(name, ";" * MIB)
        called(name, "@" * MIB)
    assert time.perf_counter() - began < 20
