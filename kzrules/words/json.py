"""`json`: a value as compact JSON text."""

from typing import Any

from kzrules.language.word import ANY, TEXT, Example, Parameter, Word
from kzrules.message.payload import dumps


def json_value(value: Any) -> str:
    """The JSON text."""
    return dumps(value).decode()


WORD = Word(
    name="json",
    about="A value as compact JSON text. A duration is no value of JSON.",
    parameters=(Parameter("value", ANY, "the value"),),
    gives=TEXT,
    examples=(
        Example('json({ "a": [1, null] })', gives='"{{\\"a\\":[1,null]}}"'),
        Example('json("x")', gives='"\\"x\\""'),
        Example("json(null)", gives='"null"'),
        Example("json(5s)", fails="no value of JSON"),
    ),
    call=json_value,
    group="values",
)
