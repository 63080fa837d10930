"""Which dead letters are meant, and how they look: no broker here. `dead` calls it."""

from collections.abc import Mapping
from typing import Any

from kzrules.cli.terminal import BOLD, CYAN, DIM, RED, Terminal, visible
from kzrules.errors import KzError
from kzrules.message.delivery import Delivery
from kzrules.message.payload import loads
from kzrules.operate.condition import Condition
from kzrules.routing.compare import shown
from kzrules.wire.retries import DeadLetter

NAMES = ("why", "cause", "attempts", "queue", "subscription", "died_at", "place", "exchange", "routing_key")
EXAMPLE = '.Call-ID == "abc" and attempts > 3'
Letter = tuple[Delivery, DeadLetter | None]


class Where:
    """A condition of the rule language over a letter: fields of its payload, and `NAMES`."""

    def __init__(self, condition: str | None) -> None:
        self._condition = None if condition is None else Condition(condition, EXAMPLE)

    def __call__(self, delivery: Delivery, letter: DeadLetter | None) -> bool:
        """True: this letter is meant. One that the condition cannot be asked of is not."""
        if self._condition is None:
            return True
        return self._condition(facts(delivery, letter), payload(delivery))


def payload(delivery: Delivery) -> dict[str, Any]:
    """The payload, or an empty object where it cannot be read."""
    try:
        return loads(delivery.body)
    except KzError:
        return {}


def facts(delivery: Delivery, letter: DeadLetter | None) -> Mapping[str, Any]:
    """What the headers tell."""
    death = letter.death if letter else None
    values = (
        death.why if death else None,
        death.cause if death else None,
        death.attempts if death else None,
        letter.queue if letter else None,
        death.subscription if death else None,
        death.when if death else None,
        death.where if death else None,
        letter.origin.exchange if letter else delivery.exchange,
        letter.origin.routing_key if letter else delivery.routing_key,
    )
    return dict(zip(NAMES, values, strict=True))


def brief(letter: Letter, terminal: Terminal) -> str:
    """A letter in a line or two."""
    known = facts(*letter)
    why = visible(str(known["why"] or "nobody wrote why")).split("\n")[0]
    when = terminal.paint(str(known["died_at"] or "at an unknown time"), DIM)
    key = terminal.paint(visible(str(known["routing_key"])), CYAN)
    return f"{when}  {key}\n  {terminal.paint(why[: terminal.width - 2], RED)}"


def whole(letter: Letter, terminal: Terminal) -> str:
    """All of a letter."""
    known = {name: value for name, value in facts(*letter).items() if value not in {None, ""}}
    lines = [
        f"{terminal.paint(name.replace('_', ' '), BOLD)}  {visible(str(value))}"
        for name, value in known.items()
    ]
    body = letter[0].body
    try:
        text = shown(loads(body))
    except KzError:
        text = body.decode("utf-8", "replace")
    return "\n".join([*lines, terminal.paint("payload", BOLD), f"  {visible(text)}"])
