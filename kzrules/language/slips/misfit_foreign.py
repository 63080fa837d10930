"""What other languages write and this one has no place for: why it does not fit, and what is written
instead. `misfit` asks; what can be taken for something of ours is mended in `repair_foreign`.
"""

from collections.abc import Callable

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lalr import Walk
from kzrules.language.slips.elsewhere import CALLS, LOGGERS, method
from kzrules.language.slips.mend import before, behind_brackets, source, touches
from kzrules.language.slips.repair_foreign import SETS, SUBROUTINES, not_before

_LOOPS = frozenset({"loop", "until", "do", "repeat", "forever"})
_FAILS = "what can fail says itself what then: let a = query(...) else (why) { retry(why) }"
_CALLED = "a subroutine is called by its name: `name(...)`"


def _each(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


_WITHOUT = 'write `delete table[key]`; a copy of an object without a field is `without(object, "name")`'
_ASSERT = 'write `if not (...) { reject("why") }`; a test has `expect`'
_BEGINS = {
    **_each("try catch except finally rescue defer", _FAILS),
    **_each("throw raise", 'write `reject("why")`, or `retry("why")` to try again later'),
    **_each("assert ensure require", _ASSERT),
    **_each("call goto gosub run", _CALLED),
    **_each("begin end fi endif esac", "a block stands in braces: { ... }"),
    **_each("wait sleep delay", CALLS["sleep"]),
    **_each("stop quit halt abort", CALLS["stop"]),
    **_each("lock unlock synchronized", "rules need no locks; `increment` counts without a race"),
    **_each("async spawn thread go", "rules run beside each other already"),
    "unless": "write `if not (...) { }`",
    "del": _WITHOUT,
    "unset": _WITHOUT,
    "yield": "there are no generators: a subroutine gives one value, with `return`",
    "typeof": CALLS["typeof"],
    "include": CALLS["include"],
    "import": CALLS["include"],
}


def foreign(walk: Walk, at: int) -> Diagnostic | None:
    """The finding about a token that another language would have taken here."""
    for explain in _EXPLAIN:
        told = explain(walk, at)
        if told is not None:
            return told
    return None


def _tell(  # noqa: PLR0917  a finding has as many parts
    walk: Walk, code: str, message: str, way_out: str, first: int, last: int | None = None
) -> Diagnostic:
    return finding(code, message, walk.builder.span(first, first if last is None else last), help=way_out)


def _statement(walk: Walk, at: int) -> Diagnostic | None:  # noqa: PLR0911  a case for each form
    """A word that begins a statement elsewhere."""
    word = before(walk) if at == walk.at else ""
    if not word:
        return None
    if word in SUBROUTINES and walk.kinds[at] == "NAME":
        message = f"there is no `{word}`, and no subroutine within a block"
        way_out = f"write `route {walk.builder.word(at)}(...) {{ }}` beside the event routes"
        return _tell(walk, "KZ147", message, way_out, at - 1)
    if word in _LOOPS and walk.builder.tokens.first_on_line(at - 1):
        message = f"there is no `{word}`: loops run over what is there"
        return _tell(walk, "KZ140", message, "write `for v in list { }`", at - 1)
    if word in SETS:
        way_out = f"write `let {walk.builder.word(at) if walk.kinds[at] == 'NAME' else 'x'} = ...`"
        return _tell(walk, "KZ147", f"there is no `{word}`", way_out, at - 1)
    if word in _BEGINS:
        return _tell(walk, "KZ147", f"there is no `{word}`", _BEGINS[word], at - 1)
    if walk.kinds[at] in ("TEXT", "FIELD", "INTEGER", "DURATION", "NAME") and walk.accepts("OPEN"):
        way_out = CALLS.get(word, f"write `{word}(...)`, if it is a word or a subroutine")
        return _tell(walk, "KZ101", f"parentheses are missing behind `{word}`", way_out, at - 1)
    return None


def _operator(walk: Walk, at: int) -> Diagnostic | None:  # noqa: PLR0911  a case for each form
    """A word or sign between two values."""
    told = not_before(walk) if at == walk.at else None
    if told is not None:
        return told
    kinds = walk.kinds
    kind = kinds[at]
    if kind == "TIMES" and kinds[at - 1] == "TIMES":
        return _tell(walk, "KZ144", "there is no `**`", "multiply: `x * x`", at - 1, at)
    if kind in ("LESS", "MORE") and kinds[at - 1] == kind and touches(walk, at):
        said = walk.builder.word(at) * 2
        return _tell(
            walk,
            "KZ144",
            f"there is no `{said}`: numbers have no bits here",
            "multiply or divide",
            at - 1,
            at,
        )
    if kind == "DOT":
        return _tell(walk, "KZ144", "texts are not joined with a dot", 'write a template: "{a}{b}"', at)
    if kind == "OVER" and not walk.accepts("OVER"):
        way_out = "a pattern stands behind `matches` only: `.From matches /^sip:/`"
        return _tell(walk, "KZ109", "a value is missing, or this begins a pattern", way_out, at)
    if kind == "COLON" and walk.accepts("CLOSE_LIST"):
        way_out = "write `substr(text, start, length)`; a list has single items, `x[0]`"
        return _tell(walk, "KZ144", "there is no part `[a:b]` of a value", way_out, at)
    return None


def _condition(walk: Walk, at: int) -> Diagnostic | None:
    """A block without braces, a value between `if` and `else`."""
    kind, tokens = walk.kinds[at], walk.builder.tokens
    if not walk.accepts("OPEN_BRACE") or at == 0 or walk.accepts("OPEN"):
        return None
    if kind == "ELSE":
        way_out = "write `if CONDITION then VALUE else VALUE`"
        return _tell(walk, "KZ101", "`if` stands before the value here, with `then`", way_out, at)
    if kind in ("THEN", "COLON") or tokens.first_on_line(at) or walk.kinds[at - 1] == "ARROW":
        return _tell(
            walk, "KZ101", "a block stands in braces", "write `{` here, and `}` behind the block", at
        )
    if kind in ("DONE", "RETRY", "REJECT", "RETURN", "LET", "EMIT", "DELETE"):
        return _tell(
            walk, "KZ101", "a block stands in braces", f"write `{{ {walk.builder.word(at)} ... }}`", at
        )
    return None


def _loop(walk: Walk, at: int) -> Diagnostic | None:
    """`for (...)`"""
    if walk.kinds[at] != "OPEN" or walk.kinds[at - 1] != "FOR":
        return None
    end = behind_brackets(walk, at)
    if "IN" in walk.kinds[at : end + 1] or "of" in walk.builder.tokens.texts[at:end]:
        way_out = "write `for v in list { }`, `for k, v in object { }`"
        return _tell(walk, "KZ101", "`for` has no parentheses", way_out, at, end - 1)
    message = "there is no counting `for`: loops run over what is there"
    return _tell(walk, "KZ140", message, "write `for v in list { }`", at - 1, end - 1)


def _value(walk: Walk, at: int) -> Diagnostic | None:
    """Values of other shapes."""
    kind = walk.kinds[at]
    if kind == "ARROW":
        way_out = "write a subroutine beside the event routes: `route f(x) { return ... }`"
        return _tell(
            walk, "KZ147", "a function is no value here", way_out, walk.firsts[-1] if walk.firsts else at, at
        )
    if kind == "COMMA" and walk.accepts("CLOSE") and not walk.accepts("CLOSE_LIST"):
        return _tell(walk, "KZ101", "a list stands in brackets", "write `[a, b]`", at)
    if kind == "SPREAD" and walk.accepts("LET"):
        return _tell(walk, "KZ101", "`...` stands for nothing here", "an empty block is `{ }`", at)
    follows = walk.kinds[at + 1 : at + 2]
    if kind == "NAME" and follows in (["COMMA"], ["CLOSE_BRACE"]) and walk.accepts("SPREAD"):
        name = walk.builder.word(at)
        return _tell(walk, "KZ112", "a field has its name and its value", f'write "{name}": {name}', at)
    return None


def _ending(walk: Walk, at: int) -> Diagnostic | None:
    """`done "why"`, `let x = match ...`"""
    kinds = walk.kinds
    if at and kinds[at - 1] in ("DONE", "RETRY", "REJECT") and kinds[at] in ("TEXT", "NAME", "FIELD"):
        word = walk.builder.word(at - 1)
        way_out = f"write `{word}({walk.builder.word(at)})`"
        return _tell(walk, "KZ101", f"parentheses are missing behind `{word}`", way_out, at - 1)
    if kinds[at] == "MATCH" and walk.accepts("INTEGER"):
        way_out = 'write `if .Type == "a" then ... else ...`, or set the name in the arms of a `match`'
        return _tell(walk, "KZ101", "`match` is a statement, and gives no value", way_out, at)
    return None


def _let(walk: Walk, at: int) -> Diagnostic | None:
    """`let a`, `let a, b = ...`, `after 5s { }`, `delete(...)`"""
    kinds, kind = walk.kinds, walk.kinds[at]
    if kinds[at - 2 : at - 1] == ["LET"] and walk.accepts("SET"):
        name = walk.builder.word(at - 1)
        if kind == "COMMA":
            return _tell(walk, "KZ101", "one `let` sets one name", f"write `let {name} = ...` for each", at)
        return _tell(
            walk, "KZ101", f"`{name}` has no value", f"write `let {name} = null`, or its value", at - 1
        )
    if kind == "OPEN_BRACE" and walk.accepts("AS"):
        way_out = "write `after 5s as NAME { }`: said again before its time, it waits anew"
        return _tell(walk, "KZ101", "what happens later has a name", way_out, at)
    if kinds[at - 1] == "DELETE" and kind in ("OPEN", "FIELD"):
        way_out = (
            'write `delete table[key]`; a copy of an object without a field is `without(payload, "Name")`'
        )
        return _tell(walk, "KZ101", "`delete` forgets an entry of a table", way_out, at)
    return None


def _method(walk: Walk, at: int) -> Diagnostic | None:
    """`x.push(1)` as a statement."""
    kinds = walk.kinds
    if kinds[at] != "FURTHER" or kinds[at - 1] != "NAME" or walk.accepts("FURTHER"):
        return None
    last = at
    while kinds[last + 1 : last + 2] == ["FURTHER"]:
        last += 1
    if kinds[last + 1 : last + 2] != ["OPEN"]:
        return None
    base = walk.builder.word(at - 1)
    name = walk.builder.word(last).lstrip(".")
    told = method(base if base in LOGGERS else source(walk, at - 1, last - 1), name)
    return _tell(walk, "KZ148", f"a value has no methods, so no `{name}(...)`", told, at - 1, last)


def _declaration(walk: Walk, at: int) -> Diagnostic | None:  # noqa: PLR0911  a case for each form
    """Declarations that lack their braces or their name, or have a sign too many."""
    kinds, kind, word = walk.kinds, walk.kinds[at], walk.builder.word
    head = kinds[at - 1] if at else ""
    if head == "LANGUAGE":
        return _tell(walk, "KZ101", "the version of the language is a whole number", "write `language 1`", at)
    if head == "BROKER" and kind == "TEXT":
        return _tell(walk, "KZ101", "brokers stand in braces", f"write `broker {{ {word(at)} }}`", at)
    if head == "TEST" and kind == "OPEN_BRACE":
        return _tell(
            walk, "KZ101", "a test says what is true", 'write `test "a lamp is lit" { ... }`', at - 1
        )
    if kind == "NAME" and word(at - 1) == "type" and walk.accepts("COLON"):
        way_out = f"write `{{ type: {word(at)} }}` behind the name of the exchange"
        return _tell(walk, "KZ101", "the settings of an exchange stand in braces", way_out, at - 1, at)
    if kind == "WHEN" and walk.accepts("LET"):
        way_out = "write `if ... { }`; `when` stands before the brace of an event route"
        return _tell(walk, "KZ101", "`when` is no statement", way_out, at)
    if kinds[at - 1 : at] == ["EVENT"] and kinds[at - 2 : at - 1] == ["ON"]:
        way_out = "write `event_route[NAME] { }`; `on NAME(a, b) { }` is a hook that `emit` runs"
        return _tell(walk, "KZ101", "what an event does is no hook", way_out, at - 2, at - 1)
    if kind != "OPEN_BRACE" and head not in ("OPEN_BRACE", "CLOSE_BRACE") and _asked(walk):
        way_out = (
            "write `event { ... }`: parentheses hold what the broker said, as in `event (attempt: 2) { }`"
        )
        return _tell(walk, "KZ101", "an event has its payload behind it, in braces", way_out, at)
    return None


def _asked(walk: Walk) -> bool:
    """Whether a test's event waits for its payload."""
    return walk.at > 0 and walk.kinds[walk.at - 1] == "CLOSE" and walk.accepted() == {"TEXT", "OPEN_BRACE"}


_EXPLAIN: tuple[Callable[[Walk, int], Diagnostic | None], ...] = (
    _declaration, _ending, _method, _loop, _let, _operator, _statement, _condition, _value,
)  # fmt: skip
