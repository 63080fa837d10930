"""Syntax nodes of values: literals, texts, fields, operators, calls."""

from dataclasses import field

from kzrules.language.span import Span
from kzrules.language.tree.node import Node, node


@node
class Literal(Node):
    """null, true, false, an integer, a decimal (float) or text without braces."""

    value: bool | int | float | str | None
    raw: str = field(default="", compare=False, repr=False)


@node
class DurationLiteral(Node):
    """`500ms`, `2s`, `5m`, `1h`, `7d`."""

    milliseconds: int
    raw: str = field(default="", compare=False, repr=False)


@node
class Regex(Node):
    r"""`/pattern/`; `\/` in the source is a slash of the pattern."""

    pattern: str


@node
class Template(Node):
    """Text with braces: literal parts (str) and expressions, in order."""

    parts: tuple["str | Expr", ...]
    raw: str = field(default="", compare=False, repr=False)


@node
class Name(Node):
    """A name of our own: a variable, parameter, setting, table, or `payload`, `received`, `meta`, `node`."""

    id: str


@node
class Field(Node):
    """`.Name`, `."odd name"` or `base.Name`; `base` None is the payload (as received: `.Msg-ID` reads it)."""

    base: "Expr | None"
    name: str
    quoted: bool = field(default=False, compare=False, repr=False)


@node
class Index(Node):
    """`base[key]`, or `.[key]` of the payload when `base` is None. With a table's name as base: an entry."""

    base: "Expr | None"
    key: "Expr"


@node
class Spread(Node):
    """`...base` in an object or a list."""

    value: "Expr"


@node
class Entry(Node):
    """`"key": value` in an object; the key is a text or a template."""

    key: "Literal | Template"
    value: "Expr"


@node
class ListExpr(Node):
    items: tuple["Expr | Spread", ...]


@node
class ObjectExpr(Node):
    entries: tuple[Entry | Spread, ...]


@node
class With(Node):
    """`base with { ... }`: a copy of `base` with fields set."""

    base: "Expr"
    changes: ObjectExpr


@node
class Unary(Node):
    """`not x` or `-x`."""

    op: str
    operand: "Expr"


@node
class Binary(Node):
    """`or and == != < <= > >= ?? + - * / %`."""

    op: str
    left: "Expr"
    right: "Expr"


@node
class In(Node):
    """`item in choices`."""

    item: "Expr"
    choices: "Expr"


@node
class Matches(Node):
    """`subject matches /regex/`: the pattern is searched for, unless it is anchored."""

    subject: "Expr"
    pattern: Regex


@node
class IfExpr(Node):
    """`if C then A else B`."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


@node
class Argument(Node):
    """One argument of a call; `name` is None for one given by position."""

    name: str | None
    value: "Expr"


@node
class Call(Node):
    """A word or a subroutine, with its arguments."""

    name: str
    arguments: tuple[Argument, ...]
    name_span: Span = field(compare=False, repr=False)


@node
class Then(Node):
    """`retry(...) then dead_letter("x")`: only as the value of `on_failure`."""

    first: "Expr"
    last: "Expr"


@node
class Has(Node):
    """`has { ... }` or `has [ ... ]` in a test: these fields are there, others may be too."""

    pattern: "Expr"


Expr = (
    Literal
    | DurationLiteral
    | Regex
    | Template
    | Name
    | Field
    | Index
    | ListExpr
    | ObjectExpr
    | With
    | Unary
    | Binary
    | In
    | Matches
    | IfExpr
    | Call
    | Then
    | Has
)
