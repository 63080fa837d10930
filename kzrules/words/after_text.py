"""`after_text`: what stands after the first occurrence of a mark; empty text where there is none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import not_empty, text_in


def after_text_value(text: Any, mark: Any) -> str:
    """The part of the text."""
    return text_in("after_text", "text", text).partition(not_empty("after_text", "mark", mark))[2]


WORD = Word(
    name="after_text",
    about="What stands after the first occurrence of a mark; empty text where there is none.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("mark", TEXT, "what to look for"),
    ),
    gives=TEXT,
    examples=(
        Example('after_text("user@realm", "@")', gives='"realm"'),
        Example('after_text("abc", "@")', gives='""'),
        Example('after_text(5, "@")', fails="this is an integer"),
    ),
    call=after_text_value,
    group="text",
)
