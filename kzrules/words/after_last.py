"""`after_last`: what stands after the last occurrence of a mark; empty text where there is none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import not_empty, text_in


def after_last_value(text: Any, mark: Any) -> str:
    """The part of the text."""
    parts = text_in("after_last", "text", text).rpartition(not_empty("after_last", "mark", mark))
    return parts[2] if parts[1] else ""


WORD = Word(
    name="after_last",
    about="What stands after the last occurrence of a mark; empty text where there is none.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("mark", TEXT, "what to look for"),
    ),
    gives=TEXT,
    examples=(
        Example('after_last("a.b.c", ".")', gives='"c"'),
        Example('after_last("abc", ".")', gives='""'),
        Example('after_last("abc", "")', fails="`mark` is empty text"),
    ),
    call=after_last_value,
    group="text",
)
