"""One event, one rule, one end: runs compiled rules and turns what they did into steps.

`book` calls it with the rule that takes an event; `broker.consumer` performs the steps. Nothing
raises for a rule's own failure: that ends the event as rejected, with the place.
"""

import linecache
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from types import GeneratorType
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.compile import RuleEnded
from kzrules.message.action import Action, Answer, Log, Question
from kzrules.message.event import Event
from kzrules.message.outcome import Ack, Cause, Outcome, Place, Reject, Retry
from kzrules.routing.run import Ground, Run

DONE = Ack()


@dataclass(frozen=True, slots=True)
class Ended:
    """The event is decided: perform `actions`, and settle as `outcome` says once they are safe."""

    outcome: Outcome
    actions: tuple[Action, ...]
    logs: tuple[Log, ...]
    route: str | None
    """The name of the route that took the event; None where none did."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The rule asks: perform `actions`, ask `query`, and go on with `resume(answer, now)`, once."""

    query: Question
    actions: tuple[Action, ...]
    logs: tuple[Log, ...]
    resume: Callable[[Answer, float], "Ended | Waiting"]
    route: str | None


Step = Ended | Waiting
Asking = Generator[Question, Answer, Outcome | None]


def start(run: Run, body: Callable[..., Any], *given: Any) -> Step:
    """The first step of a rule."""
    try:
        came = body(run, run.received, *given)
    except RuleEnded as end:
        return _ended(run, end.outcome)
    except Exception as wrong:  # noqa: BLE001  whatever a rule raises is its own event's failure
        return failed(run, wrong)
    if came.__class__ is GeneratorType:
        return _advance(run, came, None)
    return _ended(run, came)


def delayed(  # noqa: PLR0917  `Run.after` is its one caller
    ground: Ground,
    name: str,
    block: Callable[..., Any],
    received: dict[str, Any],
    event: Event | None,
    given: tuple[Any, ...],
    now: float,
) -> Step:
    """The first step of an `after` block."""
    return start(Run(ground, received, now, event, f"after {name}"), block, *given)


def _advance(run: Run, asking: Asking, answer: Answer | None) -> Step:
    """On to the next question, or to the end."""
    try:
        query = next(asking) if answer is None else asking.send(answer)
    except StopIteration as stop:
        return _ended(run, stop.value)
    except RuleEnded as end:
        return _ended(run, end.outcome)
    except Exception as wrong:  # noqa: BLE001  whatever a rule raises is its own event's failure
        return failed(run, wrong)
    run.commit()
    run.asked_at = run.now
    actions, logs = run.take()

    def resume(answer: Answer, now: float) -> Step:
        run.waited += max(now - run.asked_at, 0.0)
        run.now = now
        return _advance(run, asking, answer)

    return Waiting(query, actions, logs, resume, run.route)


@lru_cache(maxsize=16_384)
def _done(route: str | None) -> Ended:
    """The end of a rule that asked for nothing: the same for each of its events."""
    return Ended(DONE, (), (), route)


def _ended(run: Run, outcome: Outcome | None) -> Step:
    """The end: a rule that retries leaves nothing of what came since its last wait."""
    if outcome is None and not (run.actions or run.logs or run.writes or run.lines_left_out):
        return _done(run.route)
    if outcome.__class__ is Retry:
        run.actions.clear()
    else:
        run.commit()
    actions, logs = run.take()
    return Ended(DONE if outcome is None else outcome, actions, logs, run.route)


def failed(run: Run, wrong: Exception) -> Ended:
    """The end of a rule that could not go on: its reason and its place go to the log and the dead letter."""
    place = place_of(wrong, run.ground.program.paths)
    why = reason_of(wrong)
    run.actions.clear()
    run.writes.clear()
    _, logs = run.take()
    line = "" if place is None else linecache.getline(place.file, place.line).strip()
    told = f"{why}\n  {place}: {line}" if place is not None else why
    last = Log("error", told, run.route or "", place or Place("", 0))
    return Ended(Reject(why, Cause.ERROR, place), (), (*logs, last), run.route)


def reason_of(wrong: Exception) -> str:
    """What went wrong, for the rule's author."""
    match wrong:
        case RuleFailure():
            return str(wrong)
        case RecursionError():
            return "calls or values lie too deep in each other"
        case MemoryError():
            return "there is no memory left for this value"
    return f"{type(wrong).__name__}: {wrong}"


def place_of(wrong: Exception, paths: frozenset[str]) -> Place | None:
    """The innermost line of a rule file that the failure came through."""
    place = None
    traceback = wrong.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file in paths:
            place = Place(file, traceback.tb_lineno)
        traceback = traceback.tb_next
    return place
