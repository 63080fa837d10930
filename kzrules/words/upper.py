"""`upper`: text in upper case."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import check_size, text_in


def upper_value(text: Any) -> str:
    """The text in upper case."""
    result = text_in("upper", "text", text).upper()
    check_size("upper", len(result))
    return result


WORD = Word(
    name="upper",
    about="Text in upper case.",
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('upper("udp")', gives='"UDP"'),
        Example('upper("ß")', gives='"SS"'),
        Example("upper(null)", fails="this is null"),
    ),
    call=upper_value,
    group="text",
)
