"""A token that does not fit, where what was meant is plain: it is told, and taken for what it should
be. `recover` asks; what cannot be mended is explained.
"""

from collections.abc import Callable

from kzrules.language.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.finding import finding
from kzrules.language.lalr import Walk
from kzrules.language.names import nearest
from kzrules.language.respell import meant, respelt
from kzrules.language.split import STARTERS
from kzrules.language.tree import Span

_SIGNS = {
    "OPEN_BRACE": "`{`", "CLOSE_BRACE": "`}`", "OPEN": "`(`", "CLOSE": "`)`", "OPEN_LIST": "`[`",
    "CLOSE_LIST": "`]`", "SET": "`=`", "COLON": "`:`", "COMMA": "`,`", "THEN": "`then`", "ELSE": "`else`",
    "IN": "`in`", "ARROW": "`=>`", "AS": "`as`", "REGEX": "a pattern such as /^sip:/",
    "ROUTE_NAME": "the name of an event in brackets", "WHERE": "`where`", "ANSWERS": "`answers`",
    "FAILS": "`fails`",
}  # fmt: skip

Repair = Callable[[Walk, list[Diagnostic]], bool]


def repaired(walk: Walk, found: list[Diagnostic]) -> bool:
    """Mend the token in hand, if it is plain what it should be."""
    return walk.at < walk.last and any(repair(walk, found) for repair in _REPAIRS)


def _place(walk: Walk) -> Span:
    return walk.builder.span(walk.at, walk.at)


def _tell(  # noqa: PLR0917  a finding has as many parts
    walk: Walk,
    found: list[Diagnostic],
    code: str,
    message: str,
    way_out: str,
    new: str | None,
    *,
    safe: bool = True,
) -> None:
    fix = None if new is None else Fix(way_out, (Edit(_place(walk), new),), safe=safe)
    found.append(finding(code, message, _place(walk), help=way_out, fix=fix))


def _turn(walk: Walk, kind: str, text: str) -> bool:
    walk.kinds[walk.at] = kind
    walk.builder.tokens.texts[walk.at] = text
    return True


def _equals(walk: Walk, found: list[Diagnostic]) -> bool:
    """`=` where `==` or `:` was meant, and the other way round."""
    kind = walk.kind()
    if kind == "SET" and walk.accepts("COLON"):
        _tell(walk, found, "KZ137", "`:` stands between a name and its value here", "write `:`", ":")
        return _turn(walk, "COLON", ":")
    if kind == "SET" and walk.accepts("EQUAL") and _compares(walk):
        _tell(walk, found, "KZ137", "`=` sets; `==` compares", "write `==`", "==")
        return _turn(walk, "EQUAL", "==")
    if kind in ("EQUAL", "COLON") and walk.accepts("SET"):
        said = walk.builder.word(walk.at)
        _tell(walk, found, "KZ137", f"`=` sets a value, not `{said}`", "write `=`", "=")
        return _turn(walk, "SET", "=")
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
        _tell(walk, found, "KZ112", "the keys of an object are texts", f'write "{name}"', f'"{name}"')
        return _turn(walk, "TEXT", f'"{name}"')
    if walk.kind() == "TEXT" and colon and walk.accepts("NAME") and name[1:-1].isidentifier():
        _tell(walk, found, "KZ112", "the names of settings have no quotes", f"write {name[1:-1]}", name[1:-1])
        return _turn(walk, "NAME", name[1:-1])
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
    _tell(
        walk,
        found,
        "KZ111",
        f"`{word}` is a word of the language, so it is no name",
        f"write `{word}_` or another name",
        f"{word}_",
        safe=False,
    )
    return _turn(walk, "NAME", word)


def _comma(walk: Walk, found: list[Diagnostic]) -> bool:
    """A comma that is missing, or one too many."""
    if (
        walk.kind() == "COMMA"
        and walk.values
        and walk.values[-1] == walk.at - 1
        and walk.kinds[walk.at - 1] == "COMMA"
    ):
        _tell(walk, found, "KZ101", "a comma too many", "take it away", "")
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


_REPAIRS: tuple[Repair, ...] = (_equals, _key, _keyword, _comma)


def explained(walk: Walk, at: int) -> Diagnostic:
    """Tell what does not fit, and what would."""
    word = walk.builder.tokens.texts[at]
    span = walk.builder.span(at, at)
    if walk.at >= walk.last:
        return finding("KZ101", f"something is missing behind `{_short(word)}`", span, help=_wanted(walk))
    told = _no_value(walk, at) or _no_declaration(walk, at) or _no_field(walk, at)
    return told or finding("KZ101", f"`{_short(word)}` does not fit here", span, help=_wanted(walk))


def _no_declaration(walk: Walk, at: int) -> Diagnostic | None:
    """A thing between declarations that is none."""
    if walk.start == "expression":
        return None
    word, span = walk.builder.tokens.texts[at], walk.builder.span(at, at)
    outside = not walk.values and "LET" not in walk.tables.actions[walk.states[-1]]
    if outside or (span.column == 1 and meant(word, _DECLARATIONS)):
        return _declaration(span, word)
    return None


def _no_field(walk: Walk, at: int) -> Diagnostic | None:
    """A field that is set in place."""
    kinds = walk.kinds
    if kinds[at] == "SET" and at > 0 and kinds[at - 1] in ("FURTHER", "FIELD"):
        return _field_set(walk, at)
    if kinds[at] == "FIELD" and kinds[at + 1 : at + 2] == ["SET"] and walk.accepts("LET"):
        return _field_set(walk, at + 1)
    if kinds[at] == "FURTHER" and kinds[at - 1] == "NAME" and not walk.accepts("OPEN_BRACE"):
        return _field_set(walk, at + 1)
    return None


def _is_keyword(walk: Walk, at: int) -> bool:
    word = walk.builder.tokens.texts[at]
    return word.isalpha() and walk.tables.words.get(word) == walk.kinds[at]


def _no_value(walk: Walk, at: int) -> Diagnostic | None:
    """A word of the language where a value is wanted: it is meant as one, or the value is missing."""
    if not (_is_keyword(walk, at) and walk.accepts("NAME") and walk.accepts("INTEGER")):
        return None
    tokens, span, word = walk.builder.tokens, walk.builder.span(at, at), walk.builder.tokens.texts[at]
    if tokens.first_on_line(at) and at > 0 and walk.start != "expression":
        before = walk.builder.span(at - 1, at - 1)
        said = f"a value is missing behind `{_short(tokens.texts[at - 1])}`"
        return finding(
            "KZ101", said, before, help=f"write one before the next line, which begins with `{word}`"
        )
    way_out = f'a field of the payload is `.{word}`, a text is "{word}"; a name of your own is another word'
    return finding("KZ111", f"`{word}` is a word of the language, so it is no value", span, help=way_out)


def _field_set(walk: Walk, at: int) -> Diagnostic:
    texts = walk.builder.tokens.texts
    at = min(at, walk.last - 1)
    name = texts[at - 1].lstrip(".")
    base = texts[at - 2] if walk.kinds[at - 1] == "FURTHER" and at > 1 else "payload"
    way_out = f'write {"x" if base == "payload" else base} = {base} with {{ "{name}": ... }}'
    span = walk.builder.span(at - 1, at - 1)
    return finding("KZ117", f"the field {texts[at - 1]} cannot be set in place", span, help=way_out)


_DECLARATIONS = tuple(kind.lower() for kind in sorted(STARTERS))


def _declaration(span: Span, word: str) -> Diagnostic:
    near = nearest(word, _DECLARATIONS) if word.isidentifier() else None
    way_out = f"did you mean `{near}`?" if near else "statements stand within a route, a timer or a hook"
    fix = respelt(span, word, _DECLARATIONS)
    return finding("KZ115", f"`{_short(word)}` begins no declaration", span, help=way_out, fix=fix)


def _short(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:37]}..."


def _wanted(walk: Walk) -> str:
    """What could stand here, in a few words."""
    kinds = walk.accepted()
    wanted = []
    if "INTEGER" in kinds and "TEXT" in kinds and "OPEN_LIST" in kinds:
        wanted.append("a value")
    elif "NAME" in kinds and "LET" not in kinds:
        wanted.append("a name")
    elif "TEXT" in kinds:
        wanted.append("a text in quotes")
    elif "INTEGER" in kinds:
        wanted.append("a number")
    if "LET" in kinds:
        wanted.append("a statement")
    if "GIVEN" in kinds and "EXPECT" in kinds and "LET" not in kinds and "a value" not in wanted:
        wanted = ["given, event, pass or expect"]
    if "EQUAL" in kinds:
        wanted.append("an operator such as `==`")
    signs = [
        text
        for kind, text in _SIGNS.items()
        if kind in kinds and not (kind in ("OPEN", "OPEN_LIST") and ("EQUAL" in kinds or "a value" in wanted))
    ]
    if "NAME" in kinds:
        signs = [sign for sign in signs if sign not in ("`answers`", "`fails`")]
    wanted += [sign for sign in signs if not (sign == "`{`" and "a value" in wanted)]
    if not wanted:
        return ""
    return "here stands " + (
        " or ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else wanted[0]
    )
