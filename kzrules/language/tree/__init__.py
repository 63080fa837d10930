"""Syntax nodes, as the parser makes them and the checker, the compiler and the formatter read them.

Nodes are frozen values. Two nodes are equal when they say the same thing: where they stand
(`span`), how a literal was spelt (`raw`) and what comments lie about them do not count.
"""

from functools import cache
from typing import Any

from kzrules.language.span import (
    Span,
)
from kzrules.language.tree.declaration import (
    Broker,
    Declaration,
    EventRoute,
    Every,
    Kamailio,
    Language,
    OnExpired,
    OnHook,
    Pair,
    Route,
    RuleFile,
    Setting,
    Silence,
    Subscribe,
    Table,
    Target,
    UseFile,
    Zone,
)
from kzrules.language.tree.expression import (
    Argument,
    Binary,
    Call,
    DurationLiteral,
    Entry,
    Expr,
    Field,
    Has,
    IfExpr,
    In,
    Index,
    ListExpr,
    Literal,
    Matches,
    Name,
    ObjectExpr,
    Regex,
    Spread,
    Template,
    Then,
    Unary,
    With,
)
from kzrules.language.tree.node import (
    NO_COMMENTS,
    Comments,
    Node,
)
from kzrules.language.tree.statement import (
    After,
    Arm,
    Assign,
    Block,
    Branch,
    Delete,
    DeleteWhere,
    Do,
    Else,
    Emit,
    End,
    For,
    If,
    Let,
    Match,
    Return,
    Statement,
    TableSet,
    Use,
)
from kzrules.language.tree.steps import (
    EventStep,
    ExpectCall,
    ExpectEnd,
    ExpectRoute,
    ExpectValue,
    GivenCall,
    GivenSetting,
    GivenTable,
    PassTime,
    Step,
    Test,
)

__all__ = [
    "NO_COMMENTS",
    "After",
    "Argument",
    "Arm",
    "Assign",
    "Binary",
    "Block",
    "Branch",
    "Broker",
    "Call",
    "Comments",
    "Declaration",
    "Delete",
    "DeleteWhere",
    "Do",
    "DurationLiteral",
    "Else",
    "Emit",
    "End",
    "Entry",
    "EventRoute",
    "EventStep",
    "Every",
    "ExpectCall",
    "ExpectEnd",
    "ExpectRoute",
    "ExpectValue",
    "Expr",
    "Field",
    "For",
    "GivenCall",
    "GivenSetting",
    "GivenTable",
    "Has",
    "If",
    "IfExpr",
    "In",
    "Index",
    "Kamailio",
    "Language",
    "Let",
    "ListExpr",
    "Literal",
    "Match",
    "Matches",
    "Name",
    "Node",
    "ObjectExpr",
    "OnExpired",
    "OnHook",
    "Pair",
    "PassTime",
    "Regex",
    "Return",
    "Route",
    "RuleFile",
    "Setting",
    "Silence",
    "Span",
    "Spread",
    "Statement",
    "Step",
    "Subscribe",
    "Table",
    "TableSet",
    "Target",
    "Template",
    "Test",
    "Then",
    "Unary",
    "Use",
    "UseFile",
    "With",
    "Zone",
    "children",
]


def children(node: Any) -> list[Node]:
    """The nodes directly below a node, in order of their fields."""
    found: list[Node] = []
    for name in _parts(node.__class__):
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, Node))
    return found


@cache
def _parts(kind: Any) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes: a place holds none."""
    places = {"span", "name_span", "comments"}
    return tuple(name for name in kind.__dataclass_fields__ if name not in places)
