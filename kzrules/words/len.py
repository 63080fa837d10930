"""`len`: how many characters a text has, items a list, or fields an object."""

from typing import Any

from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.words.arguments import refused


def len_value(value: Any) -> int:
    """The length."""
    if value.__class__ is str or value.__class__ is list or value.__class__ is dict:
        return len(value)
    raise refused("len", "value", value, "text, a list or an object")


WORD = Word(
    name="len",
    about="How many characters a text has, items a list, or fields an object.",
    parameters=(Parameter("value", frozenset({Kind.TEXT, Kind.LIST, Kind.OBJECT}), "what to measure"),),
    gives=frozenset({Kind.INTEGER}),
    examples=(
        Example('len("é1")', gives="2"),
        Example("len([1, [2, 3]])", gives="2"),
        Example('len({ "a": 1 })', gives="1"),
        Example("len(.Channels ?? [])", gives="0", given={}),
        Example("len(.Channels)", fails="this is null; write `?? ...`", given={}),
    ),
    call=len_value,
    group="values",
)
