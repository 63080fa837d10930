"""`substr`: a part of a text."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import integer_in, text_in


def substr_value(text: Any, start: Any, length: Any = None) -> str:
    """The characters from `start` on, `length` of them."""
    whole, first = text_in("substr", "text", text), integer_in("substr", "start", start)
    first = max(0, first + len(whole)) if first < 0 else first
    if length is None:
        return whole[first:]
    count = integer_in("substr", "length", length)
    if count < 0:
        raise RuleFailure(f"substr: `length` is {count}; it cannot be less than 0")
    return whole[first : first + count]


WORD = Word(
    name="substr",
    about="A part of a text. It is shorter, or empty, where the text ends before it.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter(
            "start", frozenset({Kind.INTEGER}), "where it begins: 0 is the first character, -1 the last"
        ),
        Parameter(
            "length", frozenset({Kind.INTEGER, Kind.NULL}), "how many characters; null for all the rest", None
        ),
    ),
    gives=TEXT,
    examples=(
        Example('substr("abcdef", 2, 3)', gives='"cde"'),
        Example('substr("abcdef", 4)', gives='"ef"'),
        Example('substr("abcdef", -2)', gives='"ef"'),
        Example('substr("abc", 9, 2)', gives='""'),
        Example('substr("abc", 0, -1)', fails="cannot be less than 0"),
        Example('substr("abc", "1")', fails="`start` takes an integer, and this is text"),
    ),
    call=substr_value,
    group="text",
)
