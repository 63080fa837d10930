"""Why each route did or did not take an event: what `kzrules trace` prints.

Works on a book whose program is instrumented; runs the event's first step and reads off the
recorder what each condition came to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kzrules.language.program import RouteCode
from kzrules.language.tree import Binary, Call, Field, Index, Literal, Name, Node, Span, children
from kzrules.message.event import Event
from kzrules.message.outcome import Cause, Place, Reject
from kzrules.routing.book import Book
from kzrules.routing.decide import Ended, Step
from kzrules.routing.run import Run

Seen = Mapping[int, Any]
"""The last value of each node, by the node's identity."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that did not hold, with the values that it read."""

    span: Span
    reads: tuple[tuple[Span, Any], ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One route: `taken`, or else why not (`failed`, or `schema`), or neither: it was not reached."""

    place: Place
    taken: bool = False
    failed: Condition | None = None
    schema: str = ""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """One name of the event, most specific first, with the routes of that name as written."""

    name: str
    routes: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a routing key, as it was given to `key`."""

    span: Span
    value: Any


@dataclass(frozen=True, slots=True)
class Key:
    """A routing key that the rule built, segment by segment."""

    span: Span
    segments: tuple[Segment, ...]
    key: Any


@dataclass(frozen=True, slots=True)
class Trace:
    """All that `kzrules trace` tells: the names, the keys built, and what the rule would do."""

    candidates: tuple[Candidate, ...]
    keys: tuple[Key, ...]
    step: Step


def trace(book: Book, event: Event, now: float) -> Trace:
    """Run the first step of an event on an instrumented book, and say what came of each route."""
    recorder = book.program.recorder
    if recorder is None:
        raise ValueError("the book is not instrumented: load it with instrument=True")
    known = book.names[event.delivery.source.subscription].of(
        Run(book.ground, event.received, now, event, None)
    )
    recorder.clear()
    step = book.run(event, now)
    seen = {id(node): value for node, value in recorder.seen}
    tried = _tried(known.routes, step, seen)
    candidates = tuple(
        Candidate(name, tuple(tried[id(route)] for route in book.program.routes.get(name, ())))
        for name in known.names
    )
    return Trace(candidates, tuple(_keys(recorder.seen, seen)), step)


def _tried(routes: Sequence[RouteCode], step: Step, seen: Seen) -> dict[int, Tried]:
    """What came of each route, in the order in which they were tried."""
    made: dict[int, Tried] = {}
    over = False
    for route in routes:
        made[id(route)] = Tried(route.place, reached=False) if over else _one(route, step, seen)
        over = over or made[id(route)].failed is None
    return made


def _one(route: RouteCode, step: Step, seen: Seen) -> Tried:
    when = route.node.when
    outcome = step.outcome if isinstance(step, Ended) else None
    if isinstance(outcome, Reject) and outcome.cause is Cause.SCHEMA and outcome.place == route.place:
        return Tried(route.place, schema=outcome.why)
    if when is None or seen.get(id(when), True) is True:
        return Tried(route.place, taken=True)
    return Tried(route.place, failed=failing(when, seen))


def failing(condition: Node, seen: Seen) -> Condition:
    """The innermost condition that decided that the whole did not hold."""
    match condition:
        case Binary(op="and", left=left, right=right):
            first = left if not _value(left, seen) else right
            return failing(first, seen)
        case Binary(op="or", right=right):
            return failing(right, seen)
    return Condition(condition.span, tuple(_reads(condition, seen)))


def _value(node: Node, seen: Seen) -> Any:
    return node.value if isinstance(node, Literal) else seen.get(id(node))


def _reads(node: Node, seen: Seen) -> Iterator[tuple[Span, Any]]:
    """The fields and names that a condition read, outermost first: `.a.b`, not also `.a`."""
    if isinstance(node, Field | Index | Name):
        if id(node) in seen:
            yield node.span, seen[id(node)]
        return
    for child in children(node):
        yield from _reads(child, seen)


def keys_built(order: Sequence[tuple[Any, Any]]) -> tuple[Key, ...]:
    """The keys among what a recorder has seen: after the last step, those behind waits as well."""
    return tuple(_keys(order, {id(node): value for node, value in order}))


def _keys(order: Sequence[tuple[Any, Any]], seen: Seen) -> Iterator[Key]:
    for node, value in order:
        if isinstance(node, Call) and node.name == "key":
            segments = (Segment(one.value.span, _value(one.value, seen)) for one in node.arguments)
            yield Key(node.span, tuple(segments), value)
