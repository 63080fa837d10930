"""What nobody reads is taken away: variables, parameters, branches without anything in them.

In Kamailio a variable costs nothing; in rules the checker asks what it is for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kzrules.convert import make
from kzrules.convert.scope import all_names, inner_blocks, own_names, with_blocks
from kzrules.language import tree as t

DOING = frozenset({"query", "increment", "publish", "reply"})


@dataclass(slots=True)
class Piece:
    """A body with its parameters: a subroutine's are taken away where nobody reads them."""

    body: t.Block
    parameters: tuple[str, ...] = ()
    name: str = ""
    """Of a subroutine; others have none."""
    keeps: bool = field(default=False)
    """The parameters stay: expiries have two, come what may."""


def tidy(pieces: Sequence[Piece]) -> list[Piece]:
    """Until nothing is left to take away; then without the subroutines that nothing calls."""
    subroutines = frozenset(one.name for one in pieces if one.name)
    left = list(pieces)
    while True:
        before = list(left)
        left = [replace(one, body=_unread(one.body, subroutines)) for one in left]
        left = _parameters(_without_idle(left))
        if left == before:
            return _called(left)


# --- variables


def _unread(block: t.Block, subroutines: frozenset[str]) -> t.Block:
    read = Counter(_reads(block))
    return _pruned(block, read, subroutines)


def _reads(block: t.Block) -> list[str]:
    """The names that are read; that a variable is counted up is no reading."""
    found: list[str] = []
    for statement in block.statements:
        own = list(own_names(statement))
        if isinstance(statement, t.Assign | t.Let):
            own = [one for one in own if one != statement.name]
        found += own
        for inner in inner_blocks(statement):
            found += _reads(inner)
    return found


def _pruned(block: t.Block, read: Counter[str], subroutines: frozenset[str]) -> t.Block:
    kept: list[t.Statement] = []
    waiting: list[str] = []
    for statement in block.statements:
        one: t.Statement | None = statement
        if isinstance(one, t.Assign | t.Let) and not read[one.name]:
            one = _without_name(one, subroutines)
        if one is not None:
            one = with_blocks(one, lambda inner: _pruned(inner, read, subroutines))
            one = _filled(one)
        if one is None:
            waiting += _said(statement)
            continue
        kept.append(_behind(one, waiting))
        waiting = []
    inside = (*waiting, *block.comments.inside)
    return replace(block, statements=tuple(kept), comments=replace(block.comments, inside=inside))


def _without_name(statement: Any, subroutines: frozenset[str]) -> t.Statement | None:
    """A value that nobody reads is still asked for, where that does something."""
    value = statement.value
    if isinstance(value, t.Call) and (value.name in subroutines or value.name in DOING):
        return t.Do(value, statement.otherwise, span=make.HERE, comments=statement.comments)
    return None


def _filled(statement: t.Statement) -> t.Statement | None:
    """None for branches and loops in which nothing is left."""
    if isinstance(statement, t.If):
        otherwise = statement.otherwise
        if otherwise is not None and _empty(otherwise):
            otherwise = None
        branches = list(statement.branches)
        while branches and otherwise is None and _empty(branches[-1].body):
            branches.pop()
        if not branches:
            return None
        if len(branches) == 1 and _empty(branches[0].body) and otherwise is not None:
            turned = replace(branches[0], condition=make.negate(branches[0].condition), body=otherwise)
            return replace(statement, branches=(turned,), otherwise=None)
        return replace(statement, branches=tuple(branches), otherwise=otherwise)
    if isinstance(statement, t.Match | t.For) and all(map(_empty, inner_blocks(statement))):
        return None
    return statement


def _empty(block: t.Block) -> bool:
    return not block.statements and not block.comments.inside


def _said(statement: t.Statement) -> list[str]:
    comments = statement.comments
    return [*comments.before, *([comments.trailing] if comments.trailing else [])]


def _behind(statement: t.Statement, comments: Sequence[str]) -> t.Statement:
    """The statement with the comments of those before it that are gone."""
    if not comments:
        return statement
    before = (*comments, *statement.comments.before)
    return replace(statement, comments=replace(statement.comments, before=before))


# --- parameters


def _parameters(pieces: Sequence[Piece]) -> list[Piece]:
    """Without parameters that the body does not read, and without their arguments."""
    gone: dict[str, frozenset[int]] = {}
    for one in pieces:
        if one.name and not one.keeps:
            names = set(all_names(one.body))
            gone[one.name] = frozenset(at for at, name in enumerate(one.parameters) if name not in names)
    made: list[Piece] = []
    for one in pieces:
        kept = tuple(name for at, name in enumerate(one.parameters) if at not in gone.get(one.name, ()))
        made.append(replace(one, body=_arguments(one.body, gone), parameters=kept))
    return made


def _arguments(node: Any, gone: Mapping[str, frozenset[int]]) -> Any:
    """The tree without the arguments of parameters that are gone."""
    if isinstance(node, tuple):
        return tuple(_arguments(one, gone) for one in node)
    if not isinstance(node, t.Node):
        return node
    changes = {
        name: _arguments(getattr(node, name), gone)
        for name in node.__dataclass_fields__
        if name not in ("span", "comments", "name_span") and isinstance(getattr(node, name), t.Node | tuple)
    }
    if isinstance(node, t.Call) and gone.get(node.name):
        given = changes.get("arguments", node.arguments)
        changes["arguments"] = tuple(one for at, one in enumerate(given) if at not in gone[node.name])
    return replace(node, **changes) if changes else node


# --- subroutines


def _without_idle(pieces: Sequence[Piece]) -> list[Piece]:
    """Without calls of subroutines that do nothing: what they did is declared now."""
    idle = frozenset(one.name for one in pieces if one.name and _empty(one.body))
    return [replace(one, body=_not_calling(one.body, idle)) for one in pieces] if idle else list(pieces)


def _not_calling(block: t.Block, idle: frozenset[str]) -> t.Block:
    kept: list[t.Statement] = []
    waiting: list[str] = []
    for statement in block.statements:
        if isinstance(statement, t.Do) and statement.call.name in idle:
            waiting += _said(statement)
            continue
        kept.append(_behind(with_blocks(statement, lambda inner: _not_calling(inner, idle)), waiting))
        waiting = []
    inside = (*waiting, *block.comments.inside)
    return replace(block, statements=tuple(kept), comments=replace(block.comments, inside=inside))


def calls(node: Any) -> set[str]:
    """The names of what a tree calls."""
    found: set[str] = set()
    if isinstance(node, tuple):
        for one in node:
            found |= calls(one)
    elif isinstance(node, t.Node):
        if isinstance(node, t.Call):
            found.add(node.name)
        for name in node.__dataclass_fields__:
            if name not in ("span", "comments", "name_span"):
                found |= calls(getattr(node, name))
    return found


def _called(pieces: Sequence[Piece]) -> list[Piece]:
    wanted: set[str] = set()
    again = True
    while again:
        again = False
        for one in pieces:
            if (not one.name or one.name in wanted) and (new := calls(one.body) - wanted):
                wanted |= new
                again = True
    return [one for one in pieces if not one.name or one.name in wanted]
