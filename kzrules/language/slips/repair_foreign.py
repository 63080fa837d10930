"""Words and signs of other languages that do not fit, where it is plain what they mean: each is told,
and taken for what it would be here, so that what follows is read rightly. `repair` asks.
"""

from collections.abc import Callable

from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lalr import Walk
from kzrules.language.slips.elsewhere import method
from kzrules.language.slips.mend import (
    before,
    behind_brackets,
    forget,
    retake,
    source,
    tell,
    touches,
    turn,
    wanted_before,
)
from kzrules.language.tree import Span

SETS = frozenset(
    {"const", "var", "local", "global", "static", "my", "auto", "final", "set", "def", "define", "dim"}
    | {
        "int",
        "str",
        "string",
        "float",
        "double",
        "bool",
        "boolean",
        "number",
        "any",
        "dict",
        "list",
        "object",
    }
)
"""What begins a line that gives a name to a value elsewhere."""
SUBROUTINES = frozenset({"def", "function", "func", "fn", "fun", "sub", "proc", "procedure", "subroutine"})
_UNITS = {
    "ms": "ms", "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "m": "m", "min": "m",
    "mins": "m", "minute": "m", "minutes": "m", "h": "h", "hour": "h", "hours": "h", "d": "d", "day": "d",
    "days": "d",
}  # fmt: skip
_TOP = {
    **dict.fromkeys(SUBROUTINES, ("ROUTE", "route", ("NAME",))),
    **dict.fromkeys(("import", "include", "require", "from"), ("USE", "use", ("TEXT",))),
    **dict.fromkeys(("timer", "cron", "interval"), ("EVERY", "every", ("DURATION", "TEXT", "INTEGER"))),
    "version": ("LANGUAGE", "language", ("INTEGER",)),
}  # fmt: skip


def foreign(walk: Walk, found: list[Diagnostic]) -> bool:
    """Mend a word or sign of another language."""
    return any(mend(walk, found) for mend in _MENDS)


def _declared(walk: Walk, found: list[Diagnostic]) -> bool:
    """`const x = 1`, in a block or between declarations."""
    at, kinds = walk.at, walk.kinds
    word = before(walk)
    if word in SETS and kinds[at : at + 2] == ["NAME", "SET"] and wanted_before(walk, "LET"):
        name = walk.builder.word(at)
        way_out = f"write `let {name} = ...` the first time, `{name} = ...` after that"
        tell(walk, found, "KZ147", f"there is no `{word}`", way_out, "let", safe=word != "set", first=at - 1)
        return retake(walk, "LET", "let")
    word = walk.builder.word(at)
    sets = (word in SETS or word == "let") and kinds[at + 1 : at + 3] == ["NAME", "SET"]
    if sets and _between(walk):
        way_out = f"write `setting {walk.builder.word(at + 1)} = ...`"
        tell(walk, found, "KZ147", f"there is no `{word}` between declarations", way_out, "setting")
        return turn(walk, "SETTING", "setting")
    return False


def _between(walk: Walk) -> bool:
    """Whether a declaration may begin here."""
    return walk.start == "declaration" and not walk.values


def _top(walk: Walk, found: list[Diagnostic]) -> bool:
    """`def`, `import` and `timer` for a declaration."""
    word = walk.builder.word(walk.at)
    kind, here, follow = _TOP.get(word, ("", "", ()))
    if not kind or walk.kinds[walk.at + 1 : walk.at + 2] not in [[one] for one in follow]:
        return False
    if not _between(walk):
        return False
    tell(walk, found, "KZ147", f"`{word}` is written `{here}` here", f"write `{here}`", here)
    return turn(walk, kind, here)


def _loop(walk: Walk, found: list[Diagnostic]) -> bool:
    """`foreach x in`, `for x of`."""
    if before(walk) == "foreach" and walk.kind() == "NAME" and wanted_before(walk, "FOR"):
        at = walk.at - 1
        tell(walk, found, "KZ147", "`foreach` is written `for` here", "write `for`", "for", first=at)
        return retake(walk, "FOR", "for")
    if walk.builder.word(walk.at) == "of" and walk.accepts("IN") and walk.accepts("COMMA"):
        tell(walk, found, "KZ147", "`of` is written `in` here", "write `in`", "in")
        return turn(walk, "IN", "in")
    return False


def _prefixed(walk: Walk, found: list[Diagnostic]) -> bool:
    """`f"text"`"""
    word, at = before(walk), walk.at
    if walk.kind() != "TEXT" or not 0 < len(word) <= 2 or word.lower().strip("rbuf"):
        return False
    if not touches(walk, at) or not wanted_before(walk, "TEXT"):
        return False
    message = "a text takes values in braces as it is"
    tell(walk, found, "KZ147", message, f"take the `{word}` away", "", first=at - 1)
    return forget(walk)


def _no_caps(walk: Walk, found: list[Diagnostic]) -> bool:
    """`NOT x`"""
    if before(walk) not in ("NOT", "Not") or not wanted_before(walk, "NOT"):
        return False
    tell(walk, found, "KZ144", "`NOT` is written `not` here", "write `not`", "not", first=walk.at - 1)
    return retake(walk, "NOT", "not")


def _arm(walk: Walk, found: list[Diagnostic]) -> bool:
    """`"a" -> { }`, `"a": { }`, `case "a"` in a `match`."""
    at, kind = walk.at, walk.kind()
    if (
        kind == "MORE"
        and walk.kinds[at - 1] == "MINUS"
        and touches(walk, at)
        and wanted_before(walk, "ARROW")
    ):
        tell(walk, found, "KZ144", "`->` is written `=>` here", "write `=>`", "=>", first=at - 1, last=at)
        forget(walk)
        return turn(walk, "ARROW", "=>")
    if kind == "MINUS" and walk.accepts("ARROW") and walk.kinds[at + 1 : at + 2] == ["MORE"]:
        tell(walk, found, "KZ144", "`->` is written `=>` here", "write `=>`", "=>", last=at + 1)
        walk.at += 1
        return turn(walk, "ARROW", "=>")
    if kind == "COLON" and walk.accepts("ARROW"):
        tell(walk, found, "KZ137", "`=>` stands behind the value of an arm", "write `=>`", " =>")
        return turn(walk, "ARROW", "=>")
    if before(walk) == "case" and wanted_before(walk, "ELSE") and wanted_before(walk, "TEXT"):
        way_out = 'write `"a" => { ... }` for each value, `else => { ... }` for the rest'
        tell(walk, found, "KZ139", "an arm of `match` has no `case`", way_out, first=at - 1)
        forget(walk)
        walk.at = _end_of_block(walk)
        return True
    return False


def _end_of_block(walk: Walk) -> int:
    """The brace that closes the block which the token in hand stands in."""
    depth, at = 0, walk.at
    while at < walk.last:
        kind = walk.kinds[at]
        depth += (kind == "OPEN_BRACE") - (kind == "CLOSE_BRACE")
        if depth < 0:
            return at
        at += 1
    return at


def _kind_written(walk: Walk, found: list[Diagnostic]) -> bool:
    """`let a: int = 1`"""
    at, kinds = walk.at, walk.kinds
    if kinds[at - 2 : at + 3] != ["LET", "NAME", "COLON", "NAME", "SET"]:
        return False
    way_out = f"write `let {walk.builder.word(at - 1)} = ...`"
    tell(walk, found, "KZ147", "a name has no kind here: its value has one", way_out, "", last=at + 1)
    walk.at += 2
    return True


def _unit(walk: Walk, found: list[Diagnostic]) -> bool:
    """`5 s`"""
    at = walk.at
    unit = _UNITS.get(walk.builder.word(at))
    number = walk.kinds[at - 1] == "INTEGER" and bool(walk.firsts) and walk.firsts[-1] == at - 1
    if unit is None or not number or walk.kind() != "NAME" or not wanted_before(walk, "DURATION"):
        return False
    new = walk.builder.word(at - 1) + unit
    message = "a duration has no blank in it, and a unit of one letter or `ms`"
    tell(walk, found, "KZ108", message, f"write `{new}`", new, first=at - 1, last=at)
    forget(walk)
    return turn(walk, "DURATION", new)


def _parentheses(walk: Walk, found: list[Diagnostic]) -> bool:
    """`route name { }`, `emit name`"""
    at, tokens = walk.at, walk.builder.tokens
    head = walk.kinds[at - 2] if at > 1 else ""
    if head not in ("ROUTE", "ON", "EMIT") or not walk.accepts("OPEN"):
        return False
    if walk.kind() != "OPEN_BRACE" and head != "EMIT":
        return False
    name, word = tokens.texts[at - 1], tokens.texts[at - 2]
    way_out = f"write `{word} {name}()`"
    if head == "ON":
        way_out += f" for a hook that `emit {name}()` runs; what an event does is an `event_route[...]`"
    message = f"parentheses are missing behind `{name}`"
    tell(walk, found, "KZ101", message, way_out, f"{name}()", first=at - 1, safe=head != "ON")
    return walk.push("OPEN", at - 1) and walk.push("CLOSE", at - 1)


def _named(walk: Walk, found: list[Diagnostic]) -> bool:
    """`subscribe "name"`"""
    heads = ("SUBSCRIBE", "TABLE", "SETTING", "ROUTE", "ZONE", "KAMAILIO", "ON")
    text = walk.builder.word(walk.at)
    if walk.kind() != "TEXT" or walk.at == 0 or walk.kinds[walk.at - 1] not in heads:
        return False
    if not text[1:-1].isidentifier() or not walk.accepts("NAME"):
        return False
    tell(walk, found, "KZ112", "a name has no quotes", f"write {text[1:-1]}", text[1:-1])
    return turn(walk, "NAME", text[1:-1])


def _event_name(walk: Walk, found: list[Diagnostic]) -> bool:
    """`event_route["name"]`, `event_route(name)`, `event_route name`"""
    at, tokens = walk.at, walk.builder.tokens
    if at == 0 or walk.kinds[at - 1] != "EVENT_ROUTE" or not walk.accepts("ROUTE_NAME"):
        return False
    if walk.kind() == "OPEN_BRACE":
        return False
    near = range(at, min(at + 50, walk.last))
    stop = next((one for one in near if walk.kinds[one] in ("OPEN_BRACE", "SCHEMA", "WHEN")), walk.last)
    name = tokens.text[tokens.starts[at] : tokens.ends[stop - 1]].strip("[]()\"' ")
    if (
        stop == walk.last
        or not name
        or set(name) & set('[]{}"\n')
        or tokens.lines[at] != tokens.lines[stop - 1]
    ):
        return False
    way_out = f"write `event_route[{name}]`"
    message = "the name of an event stands in brackets, without quotes"
    tell(walk, found, "KZ118", message, way_out, f"[{name}]", last=stop - 1, safe=" " not in name)
    walk.at = stop - 1
    return turn(walk, "ROUTE_NAME", f"[{name}]")


def _condition(walk: Walk, found: list[Diagnostic]) -> bool:
    """`event_route[x] if ...`, `if x then { }`, `assert` in a test"""
    word = walk.builder.word(walk.at)
    if word in ("if", "where") and walk.accepts("WHEN"):
        tell(walk, found, "KZ147", f"the condition of an event route has no `{word}`", "write `when`", "when")
        return turn(walk, "WHEN", "when")
    if (
        word == "then"
        and walk.accepts("OPEN_BRACE")
        and walk.kinds[walk.at + 1 : walk.at + 2] == ["OPEN_BRACE"]
    ):
        tell(walk, found, "KZ147", "there is no `then` before a block", "take it away", "")
        walk.at += 1
        return True
    if word in ("returns", "return", "gives", "replies", "yields") and walk.accepts("ANSWERS"):
        tell(walk, found, "KZ147", f"`{word}` is written `answers` in a test", "write `answers`", "answers")
        return turn(walk, "ANSWERS", "answers")
    if word in ("assert", "should", "verify") and walk.kind() == "NAME" and walk.accepts("EXPECT"):
        tell(walk, found, "KZ147", f"`{word}` is written `expect` in a test", "write `expect`", "expect")
        return turn(walk, "EXPECT", "expect")
    return False


def _signs(walk: Walk, found: list[Diagnostic]) -> bool:
    """`{ **base }`, `+1`, `/x/i`"""
    at, kind = walk.at, walk.kind()
    if kind == "TIMES" and walk.accepts("SPREAD") and walk.kinds[at + 1 : at + 2] == ["TIMES"]:
        tell(walk, found, "KZ144", "`**` is written `...` here", "write `...`", "...", last=at + 1)
        walk.at += 1
        return turn(walk, "SPREAD", "...")
    if (
        kind == "PLUS"
        and walk.accepts("INTEGER")
        and walk.kinds[at + 1 : at + 2] in (["INTEGER"], ["DECIMAL"])
    ):
        tell(walk, found, "KZ144", "a number has no `+` before it", "take it away", "")
        walk.at += 1
        return True
    if kind == "NAME" and walk.kinds[at - 1] == "REGEX" and touches(walk, at):
        pattern = walk.builder.word(at - 1)
        new = f"/(?{walk.builder.word(at)}){pattern[1:]}"
        way_out = f"write `{new}`"
        message = "what a pattern does with letters stands in it"
        tell(
            walk,
            found,
            "KZ109",
            message,
            way_out,
            new,
            first=at - 1,
            last=at,
            safe=walk.builder.word(at) == "i",
        )
        walk.at += 1
        return True
    return False


def _quotes(walk: Walk, found: list[Diagnostic]) -> bool:
    '''`"""x"""`'''
    at, tokens = walk.at, walk.builder.tokens
    if walk.kind() != "TEXT" or walk.kinds[at - 1] != "TEXT" or not touches(walk, at):
        return False
    if tokens.texts[at - 1] == '""' and walk.firsts[-1] == at - 1:
        end = at + (walk.kinds[at + 1 : at + 2] == ["TEXT"] and tokens.texts[at + 1] == '""')
        new = tokens.texts[at]
        tell(
            walk,
            found,
            "KZ136",
            "a text has one quote on each side",
            f"write {new}",
            new,
            first=at - 1,
            last=end,
        )
        return forget(walk)
    if tokens.texts[at] == '""':
        walk.at += 1
        return True
    return False


def _method(walk: Walk, found: list[Diagnostic]) -> bool:
    """`x.lower()`"""
    at = walk.at
    if walk.kind() != "OPEN" or walk.kinds[at - 1] not in ("FURTHER", "FIELD"):
        return False
    alone = walk.firsts[-1] == at - 1
    first = walk.firsts[-2] if alone and walk.kinds[at - 1] == "FURTHER" else at - 1
    base = source(walk, first, at - 2) if first < at - 1 else "payload"
    end = behind_brackets(walk, at)
    name = walk.builder.word(at - 1).lstrip(".")
    tell(
        walk,
        found,
        "KZ148",
        f"a value has no methods, so no `{name}(...)`",
        method(base, name),
        first=min(first, at - 1),
        last=end - 1,
    )
    walk.at = end
    return True


def _left_out(walk: Walk, found: list[Diagnostic]) -> bool:
    """`pass` in an empty block."""
    if (
        walk.kind() == "CLOSE_BRACE"
        and before(walk) in ("pass", "noop", "nop")
        and wanted_before(walk, "LET")
    ):
        tell(
            walk,
            found,
            "KZ147",
            f"there is no `{before(walk)}`",
            "an empty block is `{ }`",
            "",
            first=walk.at - 1,
        )
        return forget(walk)
    return False


_MENDS: tuple[Callable[[Walk, list[Diagnostic]], bool], ...] = (
    _declared, _top, _loop, _prefixed, _no_caps, _arm, _kind_written, _unit, _parentheses, _named,
    _event_name, _condition, _signs, _quotes, _method, _left_out,
)  # fmt: skip


def not_before(walk: Walk) -> Diagnostic | None:
    """`x not in y`: `not` stands before the whole comparison."""
    at = walk.at
    if (
        walk.kind() != "NOT"
        or not walk.accepts("IN")
        or walk.kinds[at + 1 : at + 2] not in (["IN"], ["MATCHES"])
    ):
        return None
    walk.settle("IN")
    first = walk.builder.span(walk.firsts[-1], walk.firsts[-1])
    start = Span(first.file, first.line, first.column, first.line, first.column)
    both = walk.builder.span(at, at + 1)
    sign = walk.builder.word(at + 1)
    fix = Fix("write `not` first", (Edit(start, "not "), Edit(both, sign)), safe=both.line == both.end_line)
    value = source(walk, walk.firsts[-1], at - 1)
    message = f"`not {sign}` is no operator: `not` stands before the whole comparison"
    return finding("KZ144", message, both, help=f"write `not {value} {sign} ...`", fix=fix)
