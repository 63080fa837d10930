"""`ends_with`: whether a text ends with another."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in


def ends_with_value(text: Any, part: Any) -> bool:
    """Whether it does."""
    return text_in("ends_with", "text", text).endswith(text_in("ends_with", "part", part))


WORD = Word(
    name="ends_with",
    about="Whether a text ends with another.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("part", TEXT, "its end"),
    ),
    gives=frozenset({Kind.TRUTH}),
    examples=(
        Example('ends_with("user@acme.com", "@acme.com")', gives="true"),
        Example('ends_with("user@acmexcom", "@acme.com")', gives="false"),
        Example('ends_with("a", 1)', fails="this is an integer"),
    ),
    call=ends_with_value,
    in_place="text.endswith(part)",
    group="text",
)
