"""`count`: how many items a list has, or, with a value, how many of them are equal to it."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.values import Budget, equal
from kzrules.language.word import ANY, Example, Kind, Parameter, Word
from kzrules.words.arguments import list_in


def count_value(budget: Budget, items: Any, *values: Any) -> int:
    """How many."""
    whole = list_in("count", "items", items)
    if not values:
        return len(whole)
    if len(values) > 1:
        raise RuleFailure("count: takes a list and one value")
    return sum(equal(item, values[0], budget) for item in whole)


WORD = Word(
    name="count",
    about="How many items a list has, or, with a value, how many of them are equal to it.",
    parameters=(
        Parameter("items", frozenset({Kind.LIST}), "the list"),
        Parameter("value", ANY, "what to count; left out: every item", rest=True),
    ),
    gives=frozenset({Kind.INTEGER}),
    examples=(
        Example("count([1, 2, 1.0, true])", gives="4"),
        Example("count([1, 2, 1.0, true], 1)", gives="2"),
        Example("count([null, 1], null)", gives="1"),
        Example("count([], 1)", gives="0"),
        Example('count("abc")', fails="this is text"),
    ),
    call=count_value,
    needs_budget=True,
    group="values",
)
