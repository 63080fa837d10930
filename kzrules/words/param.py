"""`param`: one parameter out of a text such as `a=1;b=2`; null where it is not there, empty text."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import check_items, not_empty, text_in


def param_value(text: Any, name: Any, separator: Any = ";") -> str | None:
    """The value of the first parameter of that name."""
    whole, sought = text_in("param", "text", text), not_empty("param", "name", name).lower()
    mark = not_empty("param", "separator", separator)
    check_items("param", whole.count(mark) + 1)
    for part in whole.split(mark):
        key, _, value = part.partition("=")
        if key.strip().lower() == sought:
            return value.strip()
    return None


WORD = Word(
    name="param",
    about=(
        "One parameter out of a text such as `a=1;b=2`; null where it is not there, empty text "
        "where it has no value."
    ),
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("name", TEXT, "the parameter's name, in any case"),
        Parameter("separator", TEXT, "what parts the parameters", ";", named=True),
    ),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('param("q=0.5;expires=60", "expires")', gives='"60"'),
        Example('param("lr;a=1", "lr")', gives='""'),
        Example('param("a=1&b=2", "B", separator: "&")', gives='"2"'),
        Example('param("a=1", "b")', gives="null"),
        Example('param("a=1", "")', fails="`name` is empty text"),
    ),
    call=param_value,
    group="text",
)
