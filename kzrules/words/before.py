"""`before`: what stands before the first occurrence of a mark; the whole text where there is none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import not_empty, text_in


def before_value(text: Any, mark: Any) -> str:
    """The part of the text."""
    return text_in("before", "text", text).partition(not_empty("before", "mark", mark))[0]


WORD = Word(
    name="before",
    about="What stands before the first occurrence of a mark; the whole text where there is none.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("mark", TEXT, "what to look for"),
    ),
    gives=TEXT,
    examples=(
        Example('before("sip:a@b;tag=1", ";")', gives='"sip:a@b"'),
        Example('before("abc", ";")', gives='"abc"'),
        Example('before("abc", "")', fails="`mark` is empty text"),
    ),
    call=before_value,
    group="text",
)
