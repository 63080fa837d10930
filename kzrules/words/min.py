"""`min`: the smallest of a list, or of several values; null where there is none."""

from typing import Any

from kzrules.language.values import less
from kzrules.language.word import ANY, Example, Parameter, Word


def min_value(*items: Any) -> Any:
    """The smallest."""
    whole = items[0] if len(items) == 1 and items[0].__class__ is list else items
    if not whole:
        return None
    best = whole[0]
    for item in whole[1:]:
        if less(item, best):
            best = item
    return best


WORD = Word(
    name="min",
    about=(
        "The smallest of a list, or of several values; null where there is none. They are all "
        "numbers, all texts or all durations."
    ),
    parameters=(Parameter("items", ANY, "a list, or the values themselves", rest=True),),
    gives=ANY,
    examples=(
        Example("min(3, 1, 2)", gives="1"),
        Example('min(["b", "a"])', gives='"a"'),
        Example("min([])", gives="null"),
        Example('min(1, "a")', fails="needs two numbers or two texts"),
    ),
    call=min_value,
    group="values",
)
