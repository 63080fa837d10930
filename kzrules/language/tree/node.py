"""What all syntax nodes have: a place, and the comments about them."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

from kzrules.language.span import Span

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def node(kind: type[Kind]) -> type[Kind]:
    """Make a class a kind of node: a slotted dataclass that mypy holds to be frozen.

    Python is not told, and what makes two nodes equal stands once, in `Node`: so a class takes a fifth
    of the time to make (there are seventy of them), and a node a third (a file has thousands).
    """
    return dataclass(slots=True, eq=False, repr=False)(kind)


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


@node
class Node:
    span: Span = field(compare=False, repr=False, kw_only=True)
    comments: Comments = field(default=NO_COMMENTS, compare=False, repr=False, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and bool(_said(self) == _said(other))

    def __hash__(self) -> int:
        return hash((self.__class__, _said(self)))

    def __repr__(self) -> str:
        said = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr]
        return f"{self.__class__.__name__}({', '.join(said)})"


def _said(node: Any) -> Any:
    """What counts when two nodes are compared."""
    return _saying(node.__class__)(node)


@cache
def _saying(kind: Any) -> Callable[[Any], Any]:
    names = [one.name for one in fields(kind) if one.compare]
    return attrgetter(*names) if names else lambda _node: ()
