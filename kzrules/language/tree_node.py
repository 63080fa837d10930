"""What all syntax nodes have: a place, and the comments about them."""

from dataclasses import dataclass, field

from kzrules.language.span import Span


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
