"""`trim`: text without blanks (or other characters) at both ends."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in


def trim_value(text: Any, characters: Any = None) -> str:
    """The text without these characters at its ends."""
    if characters is None:
        return text_in("trim", "text", text).strip()
    return text_in("trim", "text", text).strip(text_in("trim", "characters", characters))


WORD = Word(
    name="trim",
    about="Text without blanks (or other characters) at both ends.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter(
            "characters", TEXT | {Kind.NULL}, "what to take away; null for blanks, tabs and line ends", None
        ),
    ),
    gives=TEXT,
    examples=(
        Example('trim("  a b \\n")', gives='"a b"'),
        Example('trim("<sip:a@b>", "<>")', gives='"sip:a@b"'),
        Example('trim("aaa", "a")', gives='""'),
        Example("trim([])", fails="this is a list"),
    ),
    call=trim_value,
    group="text",
)
