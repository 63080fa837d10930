"""`keys`: the names of an object's fields, in their order."""

from typing import Any

from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.words.arguments import object_in


def keys_value(value: Any) -> list[str]:
    """The names."""
    return list(object_in("keys", "object", value))


WORD = Word(
    name="keys",
    about="The names of an object's fields, in their order.",
    parameters=(Parameter("object", frozenset({Kind.OBJECT}), "the object"),),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example('keys({ "b": 1, "a": 2 })', gives='["b", "a"]'),
        Example("keys({})", gives="[]"),
        Example("keys([])", fails="this is a list"),
    ),
    call=keys_value,
    group="values",
)
