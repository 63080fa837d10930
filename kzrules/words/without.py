"""`without`: a copy of an object without some of its fields."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import object_in, text_in


def without_value(value: Any, *names: Any) -> dict[str, Any]:
    """The copy."""
    gone = {text_in("without", "names", name) for name in names}
    return {name: held for name, held in object_in("without", "object", value).items() if name not in gone}


WORD = Word(
    name="without",
    about="A copy of an object without some of its fields.",
    parameters=(
        Parameter("object", frozenset({Kind.OBJECT}), "the object"),
        Parameter("names", TEXT, "the fields to leave out", rest=True),
    ),
    gives=frozenset({Kind.OBJECT}),
    examples=(
        Example('without({ "a": 1, "b": 2, "c": 3 }, "a", "c")', gives='{ "b": 2 }'),
        Example('without({ "a": 1 }, "x")', gives='{ "a": 1 }'),
        Example('without(null, "a")', fails="this is null"),
    ),
    call=without_value,
    group="values",
)
