"""Regular expressions that no payload can hang: `matches` in time linear in the text.

RE2 runs them. Those that Python's own engine provably runs in linear time too go there, at a
fifth of the cost: a row of characters and classes with no repetition, or one behind `^`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from kzrules.errors import RuleFailure
from kzrules.language.values import said

Search = Callable[[Any], bool]
MAX_MEMORY = 8 * 1024 * 1024

_ATOM = r"(?:[A-Za-z0-9 :@/,;=_<>%&~#!\"'-]|\\[.\-/@+*?()\[\]{}|^$\\]|\\d|\[[A-Za-z0-9 :@/,;=_.+*-]+\])"
_SIMPLE = re.compile(rf"(?P<anchor>\^?){_ATOM}*(?P<repeat>{_ATOM}[+*])?{_ATOM}*\$?", re.ASCII)
"""Patterns whose meaning is the same in both engines, and whose time is linear in ours: without a
repetition each start of the text takes a bounded number of steps; with one, only one start is tried
(and the part behind the repetition is bounded too)."""


class BadPattern(Exception):  # noqa: N818  the checker turns it into a finding
    """The pattern is no regular expression of RE2; the text says why."""


@lru_cache(maxsize=2048)
def searcher(pattern: str) -> Search:
    """A function that says whether a text holds the pattern; null holds nothing."""
    found = _linear(pattern) or _re2(pattern)

    def matches(subject: Any) -> bool:
        if subject.__class__ is str:
            return found(subject)
        if subject is None:
            return False
        raise RuleFailure(f"`matches` needs text on its left side, and this is {said(subject)}")

    return matches


def check_pattern(pattern: str) -> None:
    """`BadPattern` where the pattern cannot be used."""
    _re2(pattern)


def _re2(pattern: str) -> Search:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        compiled = re2.compile(pattern, options)
        group = re2.Set.SearchSet(options)
        group.Add(pattern)
        group.Compile()
    except (re2.error, UnicodeEncodeError) as wrong:
        raise BadPattern(_why(wrong)) from None

    def found(subject: str) -> bool:
        try:
            return bool(group.Match(subject))
        except UnicodeEncodeError:
            raise RuleFailure("`matches` cannot read a text with half a character") from None
        except re2.error:  # the set gave up over its memory: the single pattern falls back to slower ways
            return compiled.search(subject) is not None

    return found


def _why(wrong: Exception) -> str:
    said_why = wrong.args[0] if wrong.args else ""
    return said_why.decode("utf-8", "replace") if isinstance(said_why, bytes) else str(said_why)


def _linear(pattern: str) -> Search | None:
    """Python's engine for a pattern that cannot go back far: None where that is not proven."""
    match = _SIMPLE.fullmatch(pattern)
    if match is None or (match["repeat"] and not match["anchor"]):
        return None
    plain = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith("\\$") else pattern
    try:
        search = re.compile(plain, re.ASCII).search
    except re.error:
        return None
    return lambda subject: search(subject) is not None
