"""Syntax nodes of rules in one line each. None of them has a place in a file: the formatter sees
only which items of a list or object begin new lines where it has to break.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kzrules.language import tree as t
from kzrules.language.span import Span

HERE = Span("", 1, 1, 1, 1)
OPEN = Span("", 1, 1, 2, 1)
"""Of a block whose statements stand on lines of their own."""


def _line(number: int) -> Span:
    return Span("", number, 1, number, 1)


def literal(value: Any) -> t.Literal:
    """A text, number, truth value or null."""
    large = type(value) is int and abs(value) >= 10_000
    return t.Literal(value, f"{value:_}" if large else "", span=HERE)


TRUE, FALSE, NULL = literal(value=True), literal(value=False), literal(value=None)


def name(identifier: str) -> t.Name:
    """A variable, setting or table."""
    return t.Name(identifier, span=HERE)


def field(base: t.Expr | None, named: str) -> t.Field:
    """`base.name`, or a field of the payload."""
    return t.Field(base, named, span=HERE)


def index(base: t.Expr | None, key: t.Expr) -> t.Index:
    """`base[key]`"""
    return t.Index(base, key, span=HERE)


def call(word: str, *arguments: t.Expr, **named: t.Expr) -> t.Call:
    """`word(arguments, name: value)`"""
    given: list[tuple[str | None, t.Expr]] = [(None, value) for value in arguments]
    given += list(named.items())
    made = (t.Argument(key, value, span=_line(at + 1)) for at, (key, value) in enumerate(given))
    return t.Call(word, tuple(made), HERE, span=HERE)


def binary(op: str, left: t.Expr, right: t.Expr) -> t.Binary:
    """`left op right`"""
    return t.Binary(op, left, right, span=HERE)


def negate(value: t.Expr) -> t.Expr:
    """`not value`, with what it says already taken back."""
    match value:
        case t.Unary(op="not", operand=operand):
            return operand
        case t.Binary(op="==", left=left, right=right):
            return binary("!=", left, right)
        case t.Binary(op="!=", left=left, right=right):
            return binary("==", left, right)
        case t.Literal(value=bool(truth)):
            return literal(not truth)
    return t.Unary("not", value, span=HERE)


def either(condition: t.Expr, then: t.Expr, otherwise: t.Expr) -> t.IfExpr:
    """`if condition then ... else ...`"""
    return t.IfExpr(condition, then, otherwise, span=HERE)


def among(item: t.Expr, *choices: t.Expr) -> t.In:
    """`item in [choices]`"""
    return t.In(item, listed(choices), span=HERE)


def listed(items: Sequence[t.Expr]) -> t.ListExpr:
    """`[items]`"""
    return t.ListExpr(tuple(items), span=HERE)


def entry(key: t.Literal | t.Template, value: t.Expr) -> t.Entry:
    """`"key": value`"""
    return t.Entry(key, value, span=HERE)


def obj(entries: Iterable[t.Entry | t.Spread]) -> t.ObjectExpr:
    """`{ entries }`, each on a line of its own where the object is broken."""
    placed = (replace(one, span=_line(at + 1)) for at, one in enumerate(entries))
    return t.ObjectExpr(tuple(placed), span=HERE)


def spread(value: t.Expr) -> t.Spread:
    """`...value`"""
    return t.Spread(value, span=HERE)


def copied(base: t.Expr, entries: Iterable[t.Entry | t.Spread]) -> t.With:
    """`base with { entries }`"""
    return t.With(base, obj(entries), span=HERE)


def matches(subject: t.Expr, pattern: str) -> t.Matches:
    """`subject matches /pattern/`"""
    return t.Matches(subject, t.Regex(pattern, span=HERE), span=HERE)


def duration(milliseconds: int) -> t.DurationLiteral:
    """`5s`"""
    return t.DurationLiteral(milliseconds, span=HERE)


def template(given: Iterable[str | t.Expr]) -> t.Literal | t.Template:
    """A text of parts; parts that are texts themselves become one with it."""
    made: list[str | t.Expr] = []
    for part in given:
        inner: Sequence[str | t.Expr] = (part,)
        if isinstance(part, t.Template):
            inner = part.parts
        elif isinstance(part, t.Literal) and isinstance(part.value, str):
            inner = (part.value,)
        elif isinstance(part, t.Literal) and type(part.value) is int:
            inner = (str(part.value),)
        for one in inner:
            if isinstance(one, str) and made and isinstance(made[-1], str):
                made[-1] += one
            elif one != "":
                made.append(one)
    if not made:
        return literal("")
    if len(made) == 1 and isinstance(made[0], str):
        return literal(made[0])
    return t.Template(tuple(made), span=HERE)


def block(statements: Sequence[t.Statement], inside: tuple[str, ...] = ()) -> t.Block:
    """`{ statements }`"""
    leaves = len(statements) == 1 and isinstance(statements[0], t.End | t.Use)
    return t.Block(tuple(statements), span=HERE if leaves else OPEN, comments=t.Comments(inside=inside))


def assign(variable: str, value: t.Expr, otherwise: t.Else | None = None) -> t.Assign:
    """`variable = value`; `scope` finds out which of them begin with `let`."""
    return t.Assign(variable, value, otherwise, span=HERE)


def do(called: t.Call, otherwise: t.Else | None = None) -> t.Do:
    """A call that stands alone."""
    return t.Do(called, otherwise, span=HERE)


def end(kind: str = "done", why: t.Expr | None = None) -> t.End:
    """`done`"""
    return t.End(kind, why, span=HERE)


def give(value: t.Expr | None) -> t.Return:
    """`return value`"""
    return t.Return(value, span=HERE)


def when(
    condition: t.Expr, then: t.Block, otherwise: t.Block | None = None, *more: tuple[t.Expr, t.Block]
) -> t.If:
    """`if condition { } else if ... else { }`"""
    branches = tuple(t.Branch(test, body, span=HERE) for test, body in ((condition, then), *more))
    return t.If(branches, otherwise, span=HERE)


def pair(key: str, value: t.Expr) -> t.Pair:
    """`key: value` in a declaration."""
    return t.Pair(key, value, HERE, span=HERE)
