"""The time between captured events, as `received_at` tells it: timers, `after` blocks and expiries run in it.

`trace` and `diff` move the clocks of their stages here. A capture without times stands still.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf

from kzrules.cli.events import Captured
from kzrules.message.action import Unanswered
from kzrules.routing.act import Act
from kzrules.routing.stage import Stage
from kzrules.routing.trial import Rules

BEGINNING = "kazoo:mod-init"
MOST_LATER = 100
"""Of the `after` blocks that wait behind the last event, so many are run."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that ran without an event: what it was, when, and what it did."""

    what: str
    at: float
    act: Act


def begun(captured: Iterator[Captured]) -> tuple[float | None, Iterator[Captured]]:
    """When the first event came, and all events still."""
    first = next(captured, None)
    if first is None:
        return None, captured
    return first.received_at, chain([first], captured)


def until(event: Captured, on: Sequence[tuple[Rules, Stage]]) -> list[Due]:
    """Move the clocks to an event; what began and fell due until then."""
    found: list[Due] = []
    for _, stage in on:
        note = _notes(stage, found)
        stage.otherwise = _nobody
        act = Act()
        stage.begin(act)
        if act.outcomes:
            found.append(Due(BEGINNING, stage.now, act))
        if event.received_at is not None:
            stage.advance(event.received_at, note)
        _forget(stage)
    return [one for one in found if one.act.outcomes]


def later(on: Sequence[tuple[Rules, Stage]]) -> list[Due]:
    """Run the `after` blocks that still wait, and those that they begin; timers are over."""
    found: list[Due] = []
    for _, stage in on:
        note = _notes(stage, found)
        stage.otherwise = _nobody
        stage.timers = dict.fromkeys(stage.timers, inf)
        while stage.later and len(found) < MOST_LATER:
            stage.advance(min(at for at, _ in stage.later.values()), note)
        _forget(stage)
    return found


def _nobody(_: object) -> Unanswered:
    return Unanswered("timeout")


def _notes(stage: Stage, found: list[Due]) -> Callable[[str], Act]:
    def note(what: str) -> Act:
        found.append(Due(what, stage.now, Act()))
        return found[-1].act

    return note


def _forget(stage: Stage) -> None:
    """What conditions said then is not told as the event's."""
    if stage.book.program.recorder is not None:
        stage.book.program.recorder.clear()
