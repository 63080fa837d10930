"""One event, one rule, one end: runs compiled rules and turns what they did into steps.

`book` calls it with the rule that takes an event; `broker.consumer` performs the steps. Nothing
raises for a rule's own failure: that ends the event as rejected, with the place.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kzrules.message.action import Action, Answer, Log, Query
from kzrules.message.outcome import Outcome


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
    """The rule asks: perform `actions`, ask `query`, and go on with `resume(answer, now)`."""

    query: Query
    actions: tuple[Action, ...]
    logs: tuple[Log, ...]
    resume: Callable[[Answer, float], "Ended | Waiting"]
    route: str | None


Step = Ended | Waiting
