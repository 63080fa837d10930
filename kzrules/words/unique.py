"""`unique`: a list without the items that are equal to an earlier one."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.values import Budget
from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.message.payload import MAX_DEPTH
from kzrules.words.arguments import list_in


def unique_value(budget: Budget, items: Any) -> list[Any]:
    """Each item once."""
    seen: dict[Any, Any] = {}
    for item in list_in("unique", "items", items):
        seen.setdefault(_mark(item, budget, 0), item)
    return list(seen.values())


def _mark(item: Any, budget: Budget, depth: int) -> Any:
    """What two items share exactly when they are equal."""
    if depth > MAX_DEPTH:
        raise RuleFailure(f"lists and objects lie more than {MAX_DEPTH} deep in each other")
    budget.spend(8 if item.__class__ in {list, dict} else 1)
    match item:
        case bool():
            return (bool, item)
        case list():
            return (list, *(_mark(part, budget, depth + 1) for part in item))
        case dict():
            return (dict, frozenset((name, _mark(value, budget, depth + 1)) for name, value in item.items()))
    return item


WORD = Word(
    name="unique",
    about="A list without the items that are equal to an earlier one.",
    parameters=(Parameter("items", frozenset({Kind.LIST}), "the list"),),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example('unique(["a", "b", "a"])', gives='["a", "b"]'),
        Example("unique([1, 1.0, true])", gives="[1, true]"),
        Example('unique([{ "a": 1 }, { "a": 1 }])', gives='[{ "a": 1 }]'),
        Example("unique(null)", fails="this is null"),
    ),
    call=unique_value,
    needs_budget=True,
    group="values",
)
