"""Syntax nodes, as the parser makes them and the checker, the compiler and the formatter read them.

Nodes are frozen values. Two nodes are equal when they say the same thing: where they stand
(`span`), how a literal was spelt (`raw`) and what comments lie about them do not count.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one file: lines and columns count from 1, `end_column` is one past the last."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments (with their `#`) on the lines before a node, behind it on its last line, and those
    at the end of a block or list that stand before its closing bracket. An empty text among
    `before` and `inside` is a blank line that an author left there.
    """

    before: tuple[str, ...] = ()
    trailing: str | None = None
    inside: tuple[str, ...] = ()
    opening: str | None = None
    """Behind the opening bracket, on its line."""


NO_COMMENTS = Comments()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)
    comments: Comments = field(default=NO_COMMENTS, compare=False, repr=False)


# --- expressions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """null, true, false, an integer, a decimal (float) or text without braces."""

    value: bool | int | float | str | None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DurationLiteral(Node):
    """`500ms`, `2s`, `5m`, `1h`, `7d`."""

    milliseconds: int
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Regex(Node):
    r"""`/pattern/`; `\/` in the source is a slash of the pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Template(Node):
    """Text with braces: literal parts (str) and expressions, in order."""

    parts: tuple["str | Expr", ...]
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name of our own: a variable, parameter, setting, table, or `payload`, `received`, `meta`, `node`."""

    id: str


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`.Name`, `."odd name"` or `base.Name`; `base` None is the payload (as received: `.Msg-ID` reads it)."""

    base: "Expr | None"
    name: str
    quoted: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`base[key]`, or `.[key]` of the payload when `base` is None. With a table's name as base: an entry."""

    base: "Expr | None"
    key: "Expr"


@dataclass(frozen=True, slots=True)
class Spread(Node):
    """`...base` in an object or a list."""

    value: "Expr"


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """`"key": value` in an object; the key is a text or a template."""

    key: "Literal | Template"
    value: "Expr"


@dataclass(frozen=True, slots=True)
class ListExpr(Node):
    items: tuple["Expr | Spread", ...]


@dataclass(frozen=True, slots=True)
class ObjectExpr(Node):
    entries: tuple[Entry | Spread, ...]


@dataclass(frozen=True, slots=True)
class With(Node):
    """`base with { ... }`: a copy of `base` with fields set."""

    base: "Expr"
    changes: ObjectExpr


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`not x` or `-x`."""

    op: str
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`or and == != < <= > >= ?? + - * / %`."""

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class In(Node):
    """`item in choices`."""

    item: "Expr"
    choices: "Expr"


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """`subject matches /regex/`: the pattern is searched for, unless it is anchored."""

    subject: "Expr"
    pattern: Regex


@dataclass(frozen=True, slots=True)
class IfExpr(Node):
    """`if C then A else B`."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument of a call; `name` is None for one given by position."""

    name: str | None
    value: "Expr"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A word or a subroutine, with its arguments."""

    name: str
    arguments: tuple[Argument, ...]
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Then(Node):
    """`retry(...) then dead_letter("x")`: only as the value of `on_failure`."""

    first: "Expr"
    last: "Expr"


@dataclass(frozen=True, slots=True)
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


# --- statements ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block(Node):
    """`{ ... }`; `comments.inside` holds what stands before the closing brace."""

    statements: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Else(Node):
    """`else (why) { ... }` or `else { ... }` behind a fallible call."""

    name: str | None
    body: Block


@dataclass(frozen=True, slots=True)
class Let(Node):
    name: str
    value: Expr
    otherwise: Else | None = None


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`x = E`."""

    name: str
    value: Expr
    otherwise: Else | None = None


@dataclass(frozen=True, slots=True)
class TableSet(Node):
    """`x[key] = E` or `x[key] = E lasting D`."""

    table: str
    key: Expr
    value: Expr
    lasting: Expr | None = None
    otherwise: Else | None = None


@dataclass(frozen=True, slots=True)
class Delete(Node):
    """`delete x[key]`."""

    table: str
    key: Expr


@dataclass(frozen=True, slots=True)
class DeleteWhere(Node):
    """`delete x where COND`: the condition reads `key` and `value` of each entry."""

    table: str
    condition: Expr


@dataclass(frozen=True, slots=True)
class Emit(Node):
    """`emit NAME(a, b)`: run every `on NAME` block."""

    name: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class After(Node):
    """`after 20s as NAME { }`."""

    delay: Expr
    name: str
    body: Block


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """One `if` or `else if` with its block."""

    condition: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class If(Node):
    branches: tuple[Branch, ...]
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True)
class Arm(Node):
    """`"a", "b" => { }`."""

    values: tuple[Expr, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Match(Node):
    subject: Expr
    arms: tuple[Arm, ...]
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for v in list` (one name) or `for k, v in object` (two)."""

    names: tuple[str, ...]
    iterable: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class Return(Node):
    value: Expr | None
    otherwise: Else | None = None


@dataclass(frozen=True, slots=True)
class Use(Node):
    """`use E`: the last statement of an `else` block, the value in place of the answer."""

    value: Expr


@dataclass(frozen=True, slots=True)
class End(Node):
    """`done`, `retry` or `reject`, with or without a reason."""

    kind: str
    why: Expr | None = None


@dataclass(frozen=True, slots=True)
class Do(Node):
    """A call that stands alone: `publish(...)`, `info(...)`, a subroutine."""

    call: Call
    otherwise: Else | None = None


Statement = (
    Let | Assign | TableSet | Delete | DeleteWhere | Emit | After | If | Match | For | Return | Use | End | Do
)


# --- declarations --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Language(Node):
    version: int


@dataclass(frozen=True, slots=True)
class UseFile(Node):
    path: str


@dataclass(frozen=True, slots=True)
class Setting(Node):
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Pair(Node):
    """`name: value` in the braces of a declaration."""

    name: str
    value: Expr
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Zone(Node):
    name: str
    urls: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Broker(Node):
    """`broker { zone NAME { URL ... } name: value ... }`; URLs without a zone stand in `urls`."""

    zones: tuple[Zone, ...]
    urls: tuple[Expr, ...]
    settings: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Target(Node):
    """`exchange NAME { ... }` or `queue NAME { ... }`; the braces may be left out."""

    name: Expr
    settings: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribe(Node):
    name: str
    exchange: Target | None
    queue: Target | None
    settings: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Table(Node):
    name: str
    settings: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class EventRoute(Node):
    name: str
    schema: str | None
    when: Expr | None
    body: Block
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Route(Node):
    """A subroutine."""

    name: str
    parameters: tuple[str, ...]
    body: Block
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Every(Node):
    interval: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class OnExpired(Node):
    table: str
    key: str
    value: str
    body: Block


@dataclass(frozen=True, slots=True)
class OnHook(Node):
    name: str
    parameters: tuple[str, ...]
    body: Block


# --- tests in the language -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GivenSetting(Node):
    """`given node = "x"`; `given now = "2026-11-23T10:00:00Z"` (or Unix seconds) sets the clock."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class GivenTable(Node):
    """`given watchers[key] = value`, `lasting` as in a rule."""

    table: str
    key: Expr
    value: Expr
    lasting: Expr | None = None


@dataclass(frozen=True, slots=True)
class GivenCall(Node):
    """`given query("callevt", ...) answers {...}` or `... fails "timeout"`: one of the two is set."""

    call: Call
    answers: Expr | None = None
    fails: Expr | None = None


@dataclass(frozen=True, slots=True)
class EventStep(Node):
    """`event { ... }`, `event on SUBSCRIPTION { ... }`, with `routing_key:`-like pairs in parentheses:
    `event on dialogs (routing_key: "a.b", redelivered: true, headers: {...}) { ... }`.
    """

    subscription: str | None
    properties: tuple[Argument, ...]
    payload: Expr


@dataclass(frozen=True, slots=True)
class PassTime(Node):
    """`pass 20s`: the clock moves on; timers, `after` blocks and expiries that fall due run."""

    duration: Expr


@dataclass(frozen=True, slots=True)
class ExpectRoute(Node):
    """`expect route "name"` or `expect no route`."""

    name: str | None


@dataclass(frozen=True, slots=True)
class ExpectCall(Node):
    """`expect publish(...)`, `expect not publish(...)`, `expect query(...)`, `expect reply(...)`,
    `expect info(...)`: arguments left out may be anything.
    """

    call: Call
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ExpectValue(Node):
    """`expect EXPR`: a condition over tables and settings, as `expect watchers["a"] == 1`."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class ExpectEnd(Node):
    """`expect done`, `expect retry("why")`, `expect reject`, `expect fail("part of the message")`."""

    kind: str
    why: Expr | None = None


Step = (
    GivenSetting
    | GivenTable
    | GivenCall
    | EventStep
    | PassTime
    | ExpectRoute
    | ExpectCall
    | ExpectValue
    | ExpectEnd
)


@dataclass(frozen=True, slots=True)
class Test(Node):
    name: str
    steps: tuple[Step, ...]


Declaration = (
    Language
    | UseFile
    | Setting
    | Broker
    | Subscribe
    | Table
    | EventRoute
    | Route
    | Every
    | OnExpired
    | OnHook
    | Test
)


@dataclass(frozen=True, slots=True)
class RuleFile(Node):
    """One file: its declarations in order; `comments.inside` holds what stands at its end."""

    path: str
    declarations: tuple[Declaration, ...]
    silences: tuple["Silence", ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Silence(Node):
    """`# kz: ignore[KZ402] until 2027-01-31: reason`, on the line that it silences or the one before.

    `until` is the ISO date as written, or None; `reason` may be empty (that is a finding).
    """

    codes: tuple[str, ...]
    until: str | None
    reason: str


def children(node: Any) -> "list[Node]":
    """The nodes directly below a node, in order of their fields."""
    found: list[Node] = []
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, Node))
    return found
