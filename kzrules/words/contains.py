"""`contains`: whether a text holds another text, or a list an item."""

from typing import Any

from kzrules.language.values import Budget, equal
from kzrules.language.word import ANY, Example, Kind, Parameter, Word
from kzrules.words.arguments import refused, text_in


def contains_value(budget: Budget, whole: Any, sought: Any) -> bool:
    """Whether `sought` is in `whole`."""
    if whole.__class__ is list:
        return any(equal(item, sought, budget) for item in whole)
    if whole.__class__ is str:
        return text_in("contains", "sought", sought) in whole
    raise refused("contains", "whole", whole, "text or a list")


WORD = Word(
    name="contains",
    about="Whether a text holds another text, or a list an item.",
    parameters=(
        Parameter("whole", frozenset({Kind.TEXT, Kind.LIST}), "where to look"),
        Parameter("sought", ANY, "what to look for"),
    ),
    gives=frozenset({Kind.TRUTH}),
    examples=(
        Example('contains("sip:a@b", "@")', gives="true"),
        Example("contains([1, 2], 2.0)", gives="true"),
        Example('contains([1, 2], "2")', gives="false"),
        Example('contains("abc", "")', gives="true"),
        Example('contains(null, "a")', fails="`whole` takes text or a list, and this is null"),
        Example('contains("1", 1)', fails="`sought` takes text"),
    ),
    call=contains_value,
    needs_budget=True,
    in_place="sought in whole",
    group="text",
)
