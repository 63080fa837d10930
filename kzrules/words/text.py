"""`text`: a value as text, as a template writes it: null is empty, lists and objects are JSON."""

from typing import Any

from kzrules.language.values import text
from kzrules.language.word import ANY, TEXT, Example, Parameter, Word


def text_value(value: Any) -> str:
    """The value's text."""
    return text(value)


WORD = Word(
    name="text",
    about="A value as text, as a template writes it: null is empty, lists and objects are JSON.",
    parameters=(Parameter("value", ANY, "any value"),),
    gives=TEXT,
    examples=(
        Example("text(5)", gives='"5"'),
        Example("text(true)", gives='"true"'),
        Example("text(null)", gives='""'),
        Example("text(90s)", gives='"90s"'),
        Example('text({ "a": [1] })', gives='"{{\\"a\\":[1]}}"'),
    ),
    call=text_value,
    group="values",
)
