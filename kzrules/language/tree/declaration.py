"""Syntax nodes of declarations, and of the file that they stand in."""

from dataclasses import field

from kzrules.language.span import Span
from kzrules.language.tree.expression import Expr
from kzrules.language.tree.node import Node, node
from kzrules.language.tree.statement import Block
from kzrules.language.tree.steps import Test


@node
class Language(Node):
    version: int


@node
class UseFile(Node):
    path: str


@node
class Setting(Node):
    name: str
    value: Expr


@node
class Pair(Node):
    """`name: value` in the braces of a declaration."""

    name: str
    value: Expr
    name_span: Span = field(compare=False, repr=False)


@node
class Zone(Node):
    name: str
    urls: tuple[Expr, ...]


@node
class Broker(Node):
    """`broker { zone NAME { URL ... } name: value ... }`; URLs without a zone stand in `urls`."""

    zones: tuple[Zone, ...]
    urls: tuple[Expr, ...]
    settings: tuple[Pair, ...]


@node
class Target(Node):
    """`exchange NAME { ... }` or `queue NAME { ... }`; the braces may be left out."""

    name: Expr
    settings: tuple[Pair, ...] = ()


@node
class Subscribe(Node):
    name: str
    exchange: Target | None
    queue: Target | None
    settings: tuple[Pair, ...]


@node
class Table(Node):
    name: str
    settings: tuple[Pair, ...]


@node
class Kamailio(Node):
    name: str
    settings: tuple[Pair, ...]


@node
class EventRoute(Node):
    name: str
    schema: str | None
    when: Expr | None
    body: Block
    name_span: Span = field(compare=False, repr=False)


@node
class Route(Node):
    """A subroutine."""

    name: str
    parameters: tuple[str, ...]
    body: Block
    name_span: Span = field(compare=False, repr=False)


@node
class Every(Node):
    interval: Expr
    body: Block


@node
class OnExpired(Node):
    table: str
    key: str
    value: str
    body: Block


@node
class OnHook(Node):
    name: str
    parameters: tuple[str, ...]
    body: Block


Declaration = (
    Language
    | UseFile
    | Setting
    | Broker
    | Subscribe
    | Kamailio
    | Table
    | EventRoute
    | Route
    | Every
    | OnExpired
    | OnHook
    | Test
)


@node
class RuleFile(Node):
    """One file: its declarations in order; `comments.inside` holds what stands at its end."""

    path: str
    declarations: tuple[Declaration, ...]
    silences: tuple["Silence", ...] = field(default=(), compare=False)


@node
class Silence(Node):
    """`# kz: ignore[KZ402] until 2027-01-31: reason`, on the line that it silences or the one before.

    `until` is the ISO date as written, or None; `reason` may be empty (that is a finding).
    """

    codes: tuple[str, ...]
    until: str | None
    reason: str
