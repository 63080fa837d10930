"""`replace_matches`: text with everything that a pattern matches replaced."""

import re
from collections.abc import Iterator
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import check_size, integer_in, text_in
from kzrules.words.patterns import compiled

_PIECE = re.compile(r"\$([0-9$])")


def replace_matches_value(text: Any, pattern: Any, replacement: Any, most: Any = 0) -> str:
    """The text with the matches replaced."""
    whole = text_in(WORD.name, "text", text)
    sought = compiled(WORD.name, text_in(WORD.name, "pattern", pattern))
    pieces = _pieces(text_in(WORD.name, "replacement", replacement), sought.groups)
    limit, at, size = integer_in(WORD.name, "most", most), 0, len(whole)
    parts: list[str] = []
    for number, match in enumerate(_matches(sought, whole), 1):
        put = "".join([piece if isinstance(piece, str) else match.group(piece) or "" for piece in pieces])
        size += len(put) + 1
        check_size(WORD.name, size)
        parts += (whole[at : match.start()], put)
        at = match.end()
        if number == limit:
            break
    return "".join([*parts, whole[at:]])


def _matches(pattern: Any, whole: str) -> Iterator[Any]:
    try:
        yield from pattern.finditer(whole)
    except UnicodeEncodeError:
        raise RuleFailure("replace_matches: `text` holds half a character") from None


def _pieces(replacement: str, groups: int) -> list[str | int]:
    """The replacement as texts and numbers of groups."""
    pieces: list[str | int] = []
    for place, piece in enumerate(_PIECE.split(replacement)):
        if place % 2 == 0 or piece == "$":
            pieces.append(piece)
        elif int(piece) <= groups:
            pieces.append(int(piece))
        else:
            raise RuleFailure(
                f"replace_matches: ${piece} in the replacement, but the pattern has {groups} groups"
            )
    return pieces


WORD = Word(
    name="replace_matches",
    about=(
        "Text with everything that a pattern matches replaced. In the replacement `$1` to `$9` "
        "are the groups, `$0` the whole match and `$$` a dollar. Patterns run in linear time, so "
        "no text can make one hang."
    ),
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("pattern", TEXT, "the pattern, in RE2's syntax; `(?i)` at its beginning ignores case"),
        Parameter("replacement", TEXT, "what to put in place of each match"),
        Parameter("most", frozenset({Kind.INTEGER}), "how many matches to replace; 0 for all", 0, named=True),
    ),
    gives=TEXT,
    examples=(
        Example('replace_matches("sip:1001@old.com", "@.*$", "@new.com")', gives='"sip:1001@new.com"'),
        Example('replace_matches("a1b22", "[0-9]+", "<$0>")', gives='"a<1>b<22>"'),
        Example('replace_matches("john smith", "(\\\\w+) (\\\\w+)", "$2, $1")', gives='"smith, john"'),
        Example('replace_matches("aaa", "a", "b", most: 1)', gives='"baa"'),
        Example('replace_matches("5", "5", "$$5")', gives='"$5"'),
        Example('replace_matches("a", "(", "")', fails="cannot be used: missing )"),
        Example('replace_matches("a", "a", "$1")', fails="the pattern has 0 groups"),
    ),
    call=replace_matches_value,
    group="text",
)
