"""`starts_with`: whether a text begins with another."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in


def starts_with_value(text: Any, part: Any) -> bool:
    """Whether it does."""
    return text_in("starts_with", "text", text).startswith(text_in("starts_with", "part", part))


WORD = Word(
    name="starts_with",
    about="Whether a text begins with another.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("part", TEXT, "its beginning"),
    ),
    gives=frozenset({Kind.TRUTH}),
    examples=(
        Example('starts_with("sip:a@b", "sip:")', gives="true"),
        Example('starts_with("a", "abc")', gives="false"),
        Example('starts_with(null, "a")', fails="this is null"),
    ),
    call=starts_with_value,
    in_place="text.startswith(part)",
    group="text",
)
