"""Where variables begin: which assignments become `let`, and which variables are set before a block.

The translation knows assignments only, as Kamailio does. `translate` calls this for each body.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from kzrules.convert import make
from kzrules.language import tree as t


def inner_blocks(statement: t.Statement) -> list[t.Block]:
    """The blocks in a statement."""
    match statement:
        case t.If(branches=branches, otherwise=otherwise):
            return [*(one.body for one in branches), *([otherwise] if otherwise is not None else [])]
        case t.Match(arms=arms, otherwise=otherwise):
            return [*(one.body for one in arms), *([otherwise] if otherwise is not None else [])]
        case t.For(body=body) | t.After(body=body):
            return [body]
    behind = getattr(statement, "otherwise", None)
    return [behind.body] if isinstance(behind, t.Else) else []


def with_blocks(statement: t.Statement, change: Callable[[t.Block], t.Block]) -> t.Statement:
    """The statement with each of its blocks changed."""
    match statement:
        case t.If(branches=branches, otherwise=otherwise):
            made = tuple(replace(one, body=change(one.body)) for one in branches)
            return replace(statement, branches=made, otherwise=change(otherwise) if otherwise else None)
        case t.Match(arms=arms, otherwise=otherwise):
            changed = tuple(replace(one, body=change(one.body)) for one in arms)
            return replace(statement, arms=changed, otherwise=change(otherwise) if otherwise else None)
        case t.For(body=body) | t.After(body=body):
            return replace(statement, body=change(body))
    behind = getattr(statement, "otherwise", None)
    if isinstance(behind, t.Else):
        changed_behind: Any = replace(behind, body=change(behind.body))
        whole: Any = statement
        return cast("t.Statement", replace(whole, otherwise=changed_behind))
    return statement


def own_names(statement: t.Statement) -> Iterator[str]:
    """The names that a statement itself reads, not those that its blocks do."""
    blocks = inner_blocks(statement)

    def walk(node: Any) -> Iterator[str]:
        if any(node is block for block in blocks):
            return
        if isinstance(node, t.Name):
            yield node.id
        if isinstance(node, t.Template):
            for part in node.parts:
                if not isinstance(part, str):
                    yield from walk(part)
            return
        for child in t.children(node):
            yield from walk(child)

    yield from walk(statement)


def all_names(block: t.Block) -> Iterator[str]:
    """The names that a block reads, at every depth."""
    for statement in block.statements:
        yield from own_names(statement)
        for inner in inner_blocks(statement):
            yield from all_names(inner)


def assigned(block: t.Block) -> set[str]:
    """The variables that a block sets, at every depth."""
    found: set[str] = set()
    for statement in block.statements:
        if isinstance(statement, t.Assign | t.Let):
            found.add(statement.name)
        for inner in inner_blocks(statement):
            found |= assigned(inner)
    return found


def occurs(statement: t.Statement, name: str) -> bool:
    """Whether a statement reads or sets a variable, at any depth."""
    return _own(statement, name) or any(_in(inner, name) for inner in inner_blocks(statement))


def _own(statement: t.Statement, name: str) -> bool:
    sets = isinstance(statement, t.Assign | t.Let) and statement.name == name
    return sets or name in own_names(statement)


def _in(block: t.Block, name: str) -> bool:
    return any(occurs(one, name) for one in block.statements)


def place_lets(block: t.Block, names: Sequence[str]) -> t.Block:
    """Let variables begin in the innermost block that holds all of what is done with them."""
    for name in names:
        block = _place(block, name)
    return block


def _place(block: t.Block, name: str) -> t.Block:
    at = [number for number, one in enumerate(block.statements) if occurs(one, name)]
    if not at:
        return block
    first = block.statements[at[0]]
    if len(at) == 1 and not _own(first, name) and not _carried(first, name):
        changed = with_blocks(first, lambda inner: _place(inner, name))
        return replace(block, statements=_put(block, at[0], [changed]))
    if _begins(first, name):
        assert isinstance(first, t.Assign)  # noqa: S101  `_begins` says so
        begun = t.Let(name, first.value, first.otherwise, span=first.span, comments=first.comments)
        return replace(block, statements=_put(block, at[0], [begun]))
    before = t.Let(name, make.NULL, span=make.HERE, comments=t.Comments(before=first.comments.before))
    rest = replace(first, comments=replace(first.comments, before=()))
    return replace(block, statements=_put(block, at[0], [before, rest]))


def _put(block: t.Block, at: int, made: Sequence[t.Statement]) -> tuple[t.Statement, ...]:
    return (*block.statements[:at], *made, *block.statements[at + 1 :])


def _begins(statement: t.Statement, name: str) -> bool:
    """An assignment that does not read what it sets."""
    return (
        isinstance(statement, t.Assign)
        and statement.name == name
        and name not in own_names(statement)
        and not any(_in(inner, name) for inner in inner_blocks(statement))
    )


def _carried(statement: t.Statement, name: str) -> bool:
    """Whether a loop hands a variable on to its next round."""
    if not isinstance(statement, t.For):
        return any(_carried(one, name) for inner in inner_blocks(statement) for one in inner.statements)
    return not _lands_well(statement.body, name)


def _lands_well(block: t.Block, name: str) -> bool:
    """Whether the variable begins with an assignment wherever it would begin."""
    at = [one for one in block.statements if occurs(one, name)]
    if not at:
        return True
    if len(at) == 1 and not _own(at[0], name):
        return all(_lands_well(inner, name) for inner in inner_blocks(at[0]))
    return _begins(at[0], name)
