"""`captures`: the groups of a pattern's first match in a text, as a list; null where nothing matches."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.patterns import compiled


def captures_value(text: Any, pattern: Any) -> list[str | None] | None:
    """The groups of the first match."""
    whole = text_in("captures", "text", text)
    try:
        match = compiled("captures", text_in("captures", "pattern", pattern)).search(whole)
    except UnicodeEncodeError:
        raise RuleFailure("captures: `text` holds half a character") from None
    if match is None:
        return None
    return list(match.groups()) or [match.group()]


WORD = Word(
    name="captures",
    about=(
        "The groups of a pattern's first match in a text, as a list; null where nothing matches. "
        "A group that took no part is null; a pattern without groups gives the whole match."
    ),
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("pattern", TEXT, "the pattern, in RE2's syntax"),
    ),
    gives=frozenset({Kind.LIST, Kind.NULL}),
    examples=(
        Example('captures("sip:1001@acme.com", "^sip:([^@]+)@(.+)$")', gives='["1001", "acme.com"]'),
        Example('captures("a12", "[0-9]+")', gives='["12"]'),
        Example('captures("b", "(a)?b")', gives="[null]"),
        Example('captures("abc", "x")', gives="null"),
        Example('captures("abc", "[")', fails="cannot be used"),
    ),
    call=captures_value,
    group="text",
)
