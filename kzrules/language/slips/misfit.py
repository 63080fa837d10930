"""What is told of a token that does not fit and cannot be mended: why, and what would fit. `recover` asks."""

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import finding
from kzrules.language.findings.nearest import nearest
from kzrules.language.findings.respell import meant, respelt
from kzrules.language.parsing.lalr import Walk
from kzrules.language.parsing.split import STARTERS
from kzrules.language.slips.misfit_foreign import foreign
from kzrules.language.tree import Span

_SIGNS = {
    "OPEN_BRACE": "`{`", "CLOSE_BRACE": "`}`", "OPEN": "`(`", "CLOSE": "`)`", "OPEN_LIST": "`[`",
    "CLOSE_LIST": "`]`", "SET": "`=`", "COLON": "`:`", "COMMA": "`,`", "THEN": "`then`", "ELSE": "`else`",
    "IN": "`in`", "ARROW": "`=>`", "AS": "`as`", "REGEX": "a pattern such as /^sip:/",
    "ROUTE_NAME": "the name of an event in brackets", "WHERE": "`where`", "ANSWERS": "`answers`",
    "FAILS": "`fails`",
}  # fmt: skip


def explained(walk: Walk, at: int) -> Diagnostic:
    """Tell what does not fit, and what would."""
    word = walk.builder.tokens.texts[at]
    span = walk.builder.span(at, at)
    if walk.at >= walk.last:
        return finding("KZ101", f"something is missing behind `{_short(word)}`", span, help=_wanted(walk))
    told = _no_declaration(walk, at) or foreign(walk, at) or _no_value(walk, at) or _no_field(walk, at)
    return told or finding("KZ101", f"`{_short(word)}` does not fit here", span, help=_wanted(walk))


def _no_declaration(walk: Walk, at: int) -> Diagnostic | None:
    """A thing between declarations that is none."""
    if walk.start == "expression":
        return None
    word, span = walk.builder.tokens.texts[at], walk.builder.span(at, at)
    outside = not walk.values and "LET" not in walk.tables.actions[walk.states[-1]]
    if outside and walk.kinds[at : at + 2] == ["NAME", "SET"]:
        way_out = f"write `setting {word} = ...` for a value of the whole program, `let` within a route"
        return finding("KZ115", f"`{_short(word)}` begins no declaration", span, help=way_out)
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
    if "GIVEN" in kinds and "EXPECT" in kinds and "NAME" not in kinds:
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
