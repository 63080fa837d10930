"""Syntax nodes of tests: what is given, the event, what is expected."""

from kzrules.language.tree.expression import Argument, Call, Expr
from kzrules.language.tree.node import Node, node


@node
class GivenSetting(Node):
    """`given node = "x"`; `given now = "2026-11-23T10:00:00Z"` (or Unix seconds) sets the clock."""

    name: str
    value: Expr


@node
class GivenTable(Node):
    """`given watchers[key] = value`, `lasting` as in a rule."""

    table: str
    key: Expr
    value: Expr
    lasting: Expr | None = None


@node
class GivenCall(Node):
    """`given query("callevt", ...) answers {...}` or `... fails "timeout"`: one of the two is set."""

    call: Call
    answers: Expr | None = None
    fails: Expr | None = None


@node
class EventStep(Node):
    """`event { ... }`, `event on SUBSCRIPTION { ... }`, with `routing_key:`-like pairs in parentheses:
    `event on dialogs (routing_key: "a.b", redelivered: true, headers: {...}) { ... }`.
    """

    subscription: str | None
    properties: tuple[Argument, ...]
    payload: Expr


@node
class PassTime(Node):
    """`pass 20s`: the clock moves on; timers, `after` blocks and expiries that fall due run."""

    duration: Expr


@node
class ExpectRoute(Node):
    """`expect route "name"` or `expect no route`."""

    name: str | None


@node
class ExpectCall(Node):
    """`expect publish(...)`, `expect not publish(...)`, `expect query(...)`, `expect reply(...)`,
    `expect info(...)`: arguments left out may be anything.
    """

    call: Call
    negated: bool = False


@node
class ExpectValue(Node):
    """`expect EXPR`: a condition over tables and settings, as `expect watchers["a"] == 1`."""

    condition: Expr


@node
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


@node
class Test(Node):
    name: str
    steps: tuple[Step, ...]
