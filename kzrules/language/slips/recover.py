"""What happens where a token does not fit: a finding, and a repair where the meaning is plain; else
the statement is left out and the walk goes on behind it. `parse` calls.
"""

from typing import Any

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.parsing.lalr import Walk
from kzrules.language.parsing.split import CLOSERS, OPENERS
from kzrules.language.slips.misfit import explained
from kzrules.language.slips.repair import repaired

STATEMENTS = frozenset(
    {"LET", "IF", "MATCH", "FOR", "RETURN", "USE", "DELETE", "EMIT", "AFTER", "DONE", "RETRY", "REJECT"}
)
STEPS = frozenset({"GIVEN", "EVENT", "EXPECT", "PASS"})
LISTS = ("statement", "pair", "_test_step", "zone", "arm", "exchange")
"""Symbols that tell a brace with a list of things behind it from an object's."""
MOST_FINDINGS = 100


def walk_through(walk: Walk, found: list[Diagnostic], broken: frozenset[int] = frozenset()) -> Any:
    """Walk to the end; return what was made, None if there is nothing left of it.

    `broken` are lines where a bracket was told to be missing: what does not fit there is no news.
    """
    before, place = -1, (-1, -1)
    while not walk.run():
        here = (walk.at, len(walk.states))
        if here != place and repaired(walk, found):  # what is mended and still does not fit is left
            place = here
            continue
        walk.settle("CLOSE_BRACE")  # what stands before may be complete: then it stays
        at = min(walk.at, walk.last - 1)
        known = found and found[-1].span == walk.builder.span(at, at)
        if walk.builder.tokens.lines[at] not in broken and len(found) < MOST_FINDINGS and not known:
            found.append(explained(walk, at))
        if not _leave(walk, found, broken):
            return None
        if walk.at <= before:
            walk.at = before + 1  # the same token does not fit twice: go on behind it
            if walk.at >= walk.last:
                return None
        before = walk.at
    return walk.values[0]


def _leave(walk: Walk, found: list[Diagnostic], broken: frozenset[int]) -> bool:
    """Leave the thing that does not fit, and stand before the next one of its list."""
    place = _open_list(walk)
    if place is None:
        _look_into_blocks(walk, walk.at, walk.last, found, broken)
        return False
    keep = place + 1
    if keep < len(walk.values) and walk.states[keep + 1] in _rows(walk, place):
        keep += 1
    started = len(walk.values) > keep
    del walk.states[keep + 1 :], walk.values[keep:], walk.firsts[keep:]
    stop = _next_item(walk, started=started)
    _look_into_blocks(walk, walk.at, stop, found, broken)
    walk.at = stop
    return stop < walk.last


def _rows(walk: Walk, place: int) -> set[int]:
    """The states behind what was gathered of a list, given the place of its brace."""
    row = walk.tables.gotos[walk.states[place + 1]]
    return {state for symbol, state in row.items() if symbol.startswith("__")}


def _open_list(walk: Walk) -> int | None:
    """The innermost open brace of a block, of settings or of steps, as a place on the stack."""
    gotos = walk.tables.gotos
    for place in range(len(walk.values) - 1, -1, -1):
        value = walk.values[place]
        if isinstance(value, int) and walk.kinds[value] == "OPEN_BRACE" and walk.firsts[place] == value:
            row = gotos[walk.states[place + 1]]
            if any(symbol in row for symbol in LISTS):
                return place
    return None


def _next_item(walk: Walk, *, started: bool) -> int:
    """The next token in the same brackets that can begin an item, or the brace that closes them."""
    tokens, kinds = walk.builder.tokens, walk.kinds
    depth = _depth(walk)
    for at in range(walk.at, walk.last):
        kind = kinds[at]
        if depth <= 0:
            if kind == "CLOSE_BRACE":
                return at
            if (at > walk.at or started) and _begins(walk, at, kind, tokens.first_on_line(at)):
                return at
        depth += (kind in OPENERS) - (kind in CLOSERS)
    return walk.last


def _depth(walk: Walk) -> int:
    """How many brackets are open in the thing that is left."""
    first = walk.firsts[-1] if walk.firsts else 0
    value = walk.values[-1] if walk.values else None
    depth = 0
    for kind in walk.kinds[value + 1 if isinstance(value, int) else first : walk.at]:
        depth += (kind in OPENERS) - (kind in CLOSERS)
    return depth


def _begins(walk: Walk, at: int, kind: str, first: bool) -> bool:  # noqa: FBT001  what `first_on_line` said
    if kind == "FIELD" and first and walk.kinds[at + 1 : at + 2] == ["SET"] and walk.accepts("LET"):
        return True  # a field that is set in place: a mistake of its own
    if not walk.accepts(kind):
        return False
    if kind in STATEMENTS or kind in STEPS or kind == "ZONE":
        return first or walk.kinds[at - 1] in ("CLOSE_BRACE", "CLOSE")
    return first


def _look_into_blocks(
    walk: Walk, start: int, stop: int, found: list[Diagnostic], broken: frozenset[int]
) -> None:
    """Blocks in what is left out are read too: their mistakes are told at once, not next time."""
    at = start
    while at < stop:
        if walk.kinds[at] == "OPEN_BRACE":
            end = _close(walk, at, stop)
            if walk.kinds[at + 1 : at + 2] not in (["TEXT"], ["SPREAD"], ["CLOSE_BRACE"]) and _is_block(
                walk, at, end
            ):
                walk_through(Walk(walk.builder, "block", at, end), found, broken)
            at = end
        else:
            at += 1


def _is_block(walk: Walk, at: int, end: int) -> bool:
    return any(
        walk.kinds[place] in STATEMENTS
        or (walk.kinds[place] == "NAME" and walk.kinds[place + 1] in ("OPEN", "SET"))
        for place in range(at + 1, min(at + 2, end - 1))
    )


def _close(walk: Walk, at: int, stop: int) -> int:
    depth = 0
    for place in range(at, stop):
        depth += (walk.kinds[place] in OPENERS) - (walk.kinds[place] in CLOSERS)
        if depth == 0:
            return place + 1
    return stop
