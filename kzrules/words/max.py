"""`max`: the largest of a list, or of several values; null where there is none."""

from typing import Any

from kzrules.language.values import greater
from kzrules.language.word import ANY, Example, Parameter, Word


def max_value(*items: Any) -> Any:
    """The largest."""
    whole = items[0] if len(items) == 1 and items[0].__class__ is list else items
    if not whole:
        return None
    best = whole[0]
    for item in whole[1:]:
        if greater(item, best):
            best = item
    return best


WORD = Word(
    name="max",
    about=(
        "The largest of a list, or of several values; null where there is none. They are all "
        "numbers, all texts or all durations."
    ),
    parameters=(Parameter("items", ANY, "a list, or the values themselves", rest=True),),
    gives=ANY,
    examples=(
        Example("max(3, 1, 2)", gives="3"),
        Example("max([5])", gives="5"),
        Example("max([])", gives="null"),
        Example("max([1, null])", fails="needs two numbers or two texts"),
    ),
    call=max_value,
    group="values",
)
