"""`kzrules trace`: what one event does, name by name and route by route; nothing is sent."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from kzrules.cli import events
from kzrules.cli.command import CLEAN
from kzrules.cli.events import Captured
from kzrules.cli.examine import existing
from kzrules.cli.passing import Due, begun, later, until
from kzrules.cli.passing_text import ran_json, tell_ran
from kzrules.cli.stages import place, stages
from kzrules.cli.terminal import (
    Terminal,
    Wish,
    colour_option,
)
from kzrules.cli.trace_json import as_json as whole
from kzrules.cli.trace_text import tell
from kzrules.message.outcome import Reject
from kzrules.routing.act import Act
from kzrules.routing.compare import shown
from kzrules.routing.journal import Line, journal
from kzrules.routing.stage import Arrival, Stage
from kzrules.routing.trace import Trace, keys_built, trace
from kzrules.routing.trial import Rules


def _headers(_context: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    """`--header k=v`, each; the value is JSON where it reads as such, else text."""
    made: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter("write NAME=VALUE")
        try:
            made[name] = json.loads(value)
        except json.JSONDecodeError:
            made[name] = value
    return made


@click.command()
@click.argument("rules", type=click.Path(readable=False))
@click.argument("event", type=click.Path(readable=False, allow_dash=True), metavar="EVENT.json")
@click.option("--routing-key", metavar="KEY", help="The routing key that it came with.")
@click.option(
    "--header", "headers", metavar="NAME=VALUE", multiple=True, callback=_headers, help="Repeatable."
)
@click.option(
    "--subscription", metavar="NAME", help="The subscription that it came by; else the first that fits."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@colour_option
def command(
    rules: str,
    event: str,
    *,
    routing_key: str | None,
    headers: dict[str, Any],
    subscription: str | None,
    as_json: bool,
    color: Wish,
) -> int:
    """Show what one event does: nothing is sent, no broker is needed.

    Each name of the event in order, each route with the first condition that failed and the values
    that it read, the routing keys built segment by segment, and the actions. EVENT.json is a
    payload, or {"payload": ..., "routing_key": ..., "answers": [...]}; `-` reads an event a line.
    What `after` blocks will do is told too; where events say when they came (`received_at`), timers,
    `after` blocks and expiries run between them.
    """
    terminal = Terminal.of(sys.stdout, color)
    several = event == "-"
    about: dict[str, Any] = {"routing_key": routing_key, "subscription": subscription}
    about = {name: value for name, value in about.items() if value is not None}
    began, captured = begun(events.many("-") if several else iter([events.one(event)]))
    loaded = stages(existing([rules]), terminal, began)
    number = 0
    for found in captured:
        known = found.about.get("headers") or {}
        found.about = {**found.about, **about, "headers": {**known, **headers}}
        number += 1
        ran = until(found, loaded)
        told = _trace(found, *place(found, loaded))
        behind = [] if several else later(loaded)
        if as_json:
            own = whole(found, *told) | {"before": ran_json(ran), "later": ran_json(behind)}
            terminal.say(json.dumps(own, ensure_ascii=False, default=shown))
            continue
        tell_ran(f"before event {found.number}", ran, terminal)
        tell(found, *told, terminal)
        tell_ran("later", behind, terminal)
        if several:
            terminal.say()
    if several and number:
        _end(later(loaded), terminal, as_json=as_json)
    return CLEAN


def _end(ran: Sequence[Due], terminal: Terminal, *, as_json: bool) -> None:
    """The `after` blocks that wait behind the last event of a capture."""
    if as_json and ran:
        terminal.say(json.dumps({"event": None, "later": ran_json(ran)}, ensure_ascii=False, default=shown))
    elif ran:
        tell_ran("behind the last event", ran, terminal)


def _trace(
    event: Captured, rules: Rules, stage: Stage, arrival: Arrival
) -> tuple[Rules, Arrival, Trace | None, Act, tuple[Line, ...]]:
    act = Act()
    if isinstance(arrival.event, Reject):
        act.outcomes.append(arrival.event)
        return rules, arrival, None, act, ()
    stage.otherwise = event.answer
    made = trace(stage.book, arrival.event, stage.now)
    act.names = tuple(candidate.name for candidate in made.candidates)
    act.route = stage.follow(made.step, act).route
    recorder = stage.book.program.recorder
    seen = recorder.seen if recorder else []
    lines = journal(seen, rules.conditions, rules.texts)
    return rules, arrival, replace(made, keys=keys_built(seen)), act, lines
