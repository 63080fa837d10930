"""`sum`: the sum of a list of numbers; 0 for an empty one."""

from typing import Any

from kzrules.language.values import add
from kzrules.language.word import NUMBER, Example, Kind, Parameter, Word
from kzrules.words.arguments import list_in, number_in


def sum_value(items: Any) -> int | float:
    """The sum."""
    total: Any = 0
    for place, item in enumerate(list_in("sum", "items", items)):
        total = add(total, number_in("sum", f"items[{place}]", item))
    return total  # type: ignore[no-any-return]  # only numbers were added


WORD = Word(
    name="sum",
    about="The sum of a list of numbers; 0 for an empty one.",
    parameters=(Parameter("items", frozenset({Kind.LIST}), "the list"),),
    gives=NUMBER,
    examples=(
        Example("sum([1, 2.5])", gives="3.5"),
        Example("sum([])", gives="0"),
        Example('sum([1, "2"])', fails="`items[1]` takes a number, and this is text"),
    ),
    call=sum_value,
    group="values",
)
