"""A token that does not fit, where what was meant is plain: it is told, and taken for what it should
be. `recover` asks; what cannot be mended, `misfit` explains.
"""

from collections.abc import Callable

from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lalr import Walk
from kzrules.language.parsing.split import STARTERS
from kzrules.language.slips.mend import tell, turn
from kzrules.language.slips.repair_foreign import foreign
from kzrules.language.tree import Span

Repair = Callable[[Walk, list[Diagnostic]], bool]


def repaired(walk: Walk, found: list[Diagnostic]) -> bool:
    """Mend the token in hand, if it is plain what it should be."""
    return walk.at < walk.last and any(repair(walk, found) for repair in _REPAIRS)


def _equals(walk: Walk, found: list[Diagnostic]) -> bool:
    """`=` where `==` or `:` was meant, and the other way round."""
    kind = walk.kind()
    if kind == "SET" and walk.accepts("COLON"):
        tell(walk, found, "KZ137", "`:` stands between a name and its value here", "write `:`", ":")
        return turn(walk, "COLON", ":")
    if kind == "SET" and walk.accepts("EQUAL") and _compares(walk):
        tell(walk, found, "KZ137", "`=` sets; `==` compares", "write `==`", "==")
        return turn(walk, "EQUAL", "==")
    goes_on = walk.at + 1 < walk.last and not walk.builder.tokens.first_on_line(walk.at + 1)
    if kind in ("EQUAL", "COLON") and walk.accepts("SET") and goes_on:
        said = walk.builder.word(walk.at)
        tell(walk, found, "KZ137", f"`=` sets a value, not `{said}`", "write `=`", "=")
        return turn(walk, "SET", "=")
    return False


def _compares(walk: Walk) -> bool:
    """Whether the thing being read is a condition, not a value that is set."""
    heads = {"IF", "WHEN", "WHERE", "EXPECT", "AND", "OR", "NOT", "ELSE", "OPEN"}
    return any(isinstance(value, int) and walk.kinds[value] in heads for value in walk.values[-4:])


def _key(walk: Walk, found: list[Diagnostic]) -> bool:
    """A key without quotes in an object, or with quotes in settings."""
    at, kinds = walk.at, walk.kinds
    name = walk.builder.word(at)
    colon = kinds[at + 1 : at + 2] in (["COLON"], ["SET"]) and at + 1 < walk.last
    if colon and name[:1].isalpha() and walk.accepts("TEXT") and walk.kind() != "TEXT":
        if not walk.accepts("SPREAD"):
            return False
        tell(walk, found, "KZ112", "the keys of an object are texts", f'write "{name}"', f'"{name}"')
        return turn(walk, "TEXT", f'"{name}"')
    if walk.kind() == "TEXT" and colon and walk.accepts("NAME") and name[1:-1].isidentifier():
        tell(walk, found, "KZ112", "the names of settings have no quotes", f"write {name[1:-1]}", name[1:-1])
        return turn(walk, "NAME", name[1:-1])
    return False


def _keyword(walk: Walk, found: list[Diagnostic]) -> bool:
    """A word of the language where a name is wanted."""
    word = walk.builder.word(walk.at)
    if (
        not word.islower()
        or not word.isalpha()
        or walk.kind() in ("NAME", *STARTERS)
        or not walk.accepts("NAME")
    ):
        return False
    named = bool(walk.values) and isinstance(walk.values[-1], int) and walk.kinds[walk.values[-1]] in (
        "LET", "FOR", "ROUTE", "TABLE", "SETTING", "SUBSCRIBE", "KAMAILIO", "AS", "ON", "ZONE", "EMIT",
        "DELETE",
    )  # fmt: skip
    if not named:
        return False
    tell(
        walk,
        found,
        "KZ111",
        f"`{word}` is a word of the language, so it is no name",
        f"write `{word}_` or another name",
        f"{word}_",
        safe=False,
    )
    return turn(walk, "NAME", word)


def _comma(walk: Walk, found: list[Diagnostic]) -> bool:
    """A comma that is missing, or one too many."""
    if (
        walk.kind() == "COMMA"
        and walk.values
        and walk.values[-1] == walk.at - 1
        and walk.kinds[walk.at - 1] == "COMMA"
    ):
        tell(walk, found, "KZ101", "a comma too many", "take it away", "")
        walk.at += 1
        return True
    first = {
        "TEXT",
        "NAME",
        "FIELD",
        "INTEGER",
        "DECIMAL",
        "DURATION",
        "OPEN_BRACE",
        "SPREAD",
        "TRUE",
        "FALSE",
        "NULL",
    }
    if walk.kind() not in first or not walk.accepts("COMMA") or not _inside_brackets(walk):
        return False
    before = walk.builder.span(walk.at - 1, walk.at - 1)
    span = Span(before.file, before.end_line, before.end_column, before.end_line, before.end_column)
    fix = Fix("write `,`", (Edit(span, ","),))
    pointed = Span(before.file, before.end_line, before.end_column, before.end_line, before.end_column + 1)
    found.append(
        finding("KZ116", "a comma is missing", pointed, help="write `,` between two of them", fix=fix)
    )
    return walk.push("COMMA", walk.at - 1)


def _inside_brackets(walk: Walk) -> bool:
    """Whether the innermost open bracket is a list's, a call's or an object's."""
    for place in range(len(walk.values) - 1, -1, -1):
        value = walk.values[place]
        if isinstance(value, int) and walk.kinds[value] in ("OPEN", "OPEN_LIST"):
            return True
        if isinstance(value, int) and walk.kinds[value] == "OPEN_BRACE":
            return "_entry" in walk.tables.gotos[walk.states[place + 1]]
    return False


_REPAIRS: tuple[Repair, ...] = (foreign, _equals, _key, _keyword, _comma)
