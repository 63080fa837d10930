"""`values`: the values of an object's fields, in their order."""

from typing import Any

from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.words.arguments import object_in


def values_value(value: Any) -> list[Any]:
    """The values."""
    return list(object_in("values", "object", value).values())


WORD = Word(
    name="values",
    about="The values of an object's fields, in their order.",
    parameters=(Parameter("object", frozenset({Kind.OBJECT}), "the object"),),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example('values({ "b": 1, "a": [2] })', gives="[1, [2]]"),
        Example("values({})", gives="[]"),
        Example("values(null)", fails="this is null"),
    ),
    call=values_value,
    group="values",
)
