"""Patterns: one meaning, whichever engine runs them, and no text that hangs them."""

import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.language.regex import BadPattern, _linear, _re2, check_pattern, searcher

PIECES = [
    "a",
    "b",
    "0",
    "-",
    ".",
    "\\.",
    "\\d",
    "[ab]",
    "[0-9]",
    "^",
    "$",
    "+",
    "*",
    "@",
    "\\$",
    "\\-",
    "[+-]",
]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.text("ab01-.@$+\n é٣", max_size=12))
def test_both_engines_say_the_same(pattern, text):
    fast = _linear(pattern)
    try:
        slow = _re2(pattern)
    except BadPattern:
        return
    if fast is not None:
        assert fast(text) is slow(text)


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "a*a*a*a*b", "(x+x+)+y", "^a*a*b$"])
def test_no_text_hangs_a_pattern(pattern):
    begin = time.monotonic()
    searcher(pattern)("a" * 50_000 + "!" + "x" * 50_000)
    assert time.monotonic() - begin < 2.0


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "a\\1", "[", "\ud800"])
def test_a_pattern_that_cannot_run_says_why(pattern):
    with pytest.raises(BadPattern):
        check_pattern(pattern)


def test_only_text_is_searched():
    assert searcher("^a")("ab")
    assert not searcher("^a")(None)
    with pytest.raises(RuleFailure, match="needs text"):
        searcher("^a")(5)


def test_the_engine_is_linear():
    assert re2.compile("(a+)+$").search("aa") is not None
