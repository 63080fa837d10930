"""`has`: whether an object has a field of that name, be its value null or not."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import object_in, text_in


def has_value(value: Any, name: Any) -> bool:
    """Whether it has."""
    return text_in("has", "name", name) in object_in("has", "object", value)


WORD = Word(
    name="has",
    about="Whether an object has a field of that name, be its value null or not.",
    parameters=(
        Parameter("object", frozenset({Kind.OBJECT}), "the object"),
        Parameter("name", TEXT, "the field's name"),
    ),
    gives=frozenset({Kind.TRUTH}),
    examples=(
        Example('has({ "a": null }, "a")', gives="true"),
        Example('has(payload, "From")', gives="false", given={"To": "x"}),
        Example('has(["a"], "a")', fails="`object` takes an object, and this is a list"),
    ),
    call=has_value,
    group="values",
)
