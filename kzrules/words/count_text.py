"""`count_text`: how often a text stands in another, without overlaps."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import not_empty, text_in


def count_text_value(text: Any, sought: Any) -> int:
    """How often."""
    return text_in("count_text", "text", text).count(not_empty("count_text", "sought", sought))


WORD = Word(
    name="count_text",
    about="How often a text stands in another, without overlaps.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("sought", TEXT, "what to count"),
    ),
    gives=frozenset({Kind.INTEGER}),
    examples=(
        Example('count_text("a.b.c", ".")', gives="2"),
        Example('count_text("aaa", "aa")', gives="1"),
        Example('count_text("aaa", "")', fails="`sought` is empty text"),
    ),
    call=count_text_value,
    group="text",
)
