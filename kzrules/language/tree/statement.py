"""Syntax nodes of statements: what stands in a block."""

from kzrules.language.tree.expression import Call, Expr
from kzrules.language.tree.node import Node, node


@node
class Block(Node):
    """`{ ... }`; `comments.inside` holds what stands before the closing brace."""

    statements: tuple["Statement", ...]


@node
class Else(Node):
    """`else (why) { ... }` or `else { ... }` behind a fallible call."""

    name: str | None
    body: Block


@node
class Let(Node):
    name: str
    value: Expr
    otherwise: Else | None = None


@node
class Assign(Node):
    """`x = E`."""

    name: str
    value: Expr
    otherwise: Else | None = None


@node
class TableSet(Node):
    """`x[key] = E` or `x[key] = E lasting D`."""

    table: str
    key: Expr
    value: Expr
    lasting: Expr | None = None
    otherwise: Else | None = None


@node
class Delete(Node):
    """`delete x[key]`."""

    table: str
    key: Expr


@node
class DeleteWhere(Node):
    """`delete x where COND`: the condition reads `key` and `value` of each entry."""

    table: str
    condition: Expr


@node
class Emit(Node):
    """`emit NAME(a, b)`: run every `on NAME` block."""

    name: str
    arguments: tuple[Expr, ...]


@node
class After(Node):
    """`after 20s as NAME { }`."""

    delay: Expr
    name: str
    body: Block


@node
class Branch(Node):
    """One `if` or `else if` with its block."""

    condition: Expr
    body: Block


@node
class If(Node):
    branches: tuple[Branch, ...]
    otherwise: Block | None = None


@node
class Arm(Node):
    """`"a", "b" => { }`."""

    values: tuple[Expr, ...]
    body: Block


@node
class Match(Node):
    subject: Expr
    arms: tuple[Arm, ...]
    otherwise: Block | None = None


@node
class For(Node):
    """`for v in list` (one name) or `for k, v in object` (two)."""

    names: tuple[str, ...]
    iterable: Expr
    body: Block


@node
class Return(Node):
    value: Expr | None
    otherwise: Else | None = None


@node
class Use(Node):
    """`use E`: the last statement of an `else` block, the value in place of the answer."""

    value: Expr


@node
class End(Node):
    """`done`, `retry` or `reject`, with or without a reason."""

    kind: str
    why: Expr | None = None


@node
class Do(Node):
    """A call that stands alone: `publish(...)`, `info(...)`, a subroutine."""

    call: Call
    otherwise: Else | None = None


Statement = (
    Let | Assign | TableSet | Delete | DeleteWhere | Emit | After | If | Match | For | Return | Use | End | Do
)
