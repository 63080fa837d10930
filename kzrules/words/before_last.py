"""`before_last`: what stands before the last occurrence of a mark; the whole text where there is none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import not_empty, text_in


def before_last_value(text: Any, mark: Any) -> str:
    """The part of the text."""
    parts = text_in("before_last", "text", text).rpartition(not_empty("before_last", "mark", mark))
    return parts[0] if parts[1] else parts[2]


WORD = Word(
    name="before_last",
    about="What stands before the last occurrence of a mark; the whole text where there is none.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("mark", TEXT, "what to look for"),
    ),
    gives=TEXT,
    examples=(
        Example('before_last("a.b.c", ".")', gives='"a.b"'),
        Example('before_last("abc", ".")', gives='"abc"'),
        Example('before_last(null, ".")', fails="this is null"),
    ),
    call=before_last_value,
    group="text",
)
