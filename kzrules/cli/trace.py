"""`kzrules trace`: what one event does, name by name and route by route; nothing is sent."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from kzrules.cli import events
from kzrules.cli.command import CLEAN
from kzrules.cli.events import Captured
from kzrules.cli.examine import existing
from kzrules.cli.failure import trace as conditions
from kzrules.cli.passing import Due, begun, later, until
from kzrules.cli.passing_text import ran_json, tell_ran
from kzrules.cli.report import shown as path_shown
from kzrules.cli.stages import place, stages
from kzrules.cli.terminal import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    RED,
    YELLOW,
    Terminal,
    Wish,
    colour_option,
    visible,
    wrapped,
)
from kzrules.language.program import KamailioSpec
from kzrules.message.outcome import Reject
from kzrules.routing.act import Act, Did, plain, said
from kzrules.routing.compare import shown
from kzrules.routing.journal import Line, brief, journal, source_at
from kzrules.routing.stage import Arrival, Stage
from kzrules.routing.trace import Key, Segment, Trace, Tried, keys_built, trace
from kzrules.routing.trial import Rules
from kzrules.words import WORDS


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
            own = _as_json(found, *told) | {"before": ran_json(ran), "later": ran_json(behind)}
            terminal.say(json.dumps(own, ensure_ascii=False, default=shown))
            continue
        tell_ran(f"before event {found.number}", ran, terminal)
        _tell(found, *told, terminal)
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


def _tell(  # noqa: PLR0917  what `_trace` gives, and where it goes
    event: Captured,
    rules: Rules,
    arrival: Arrival,
    made: Trace | None,
    act: Act,
    lines: Sequence[Line],
    terminal: Terminal,
) -> None:
    title = f"event {event.number} by {_source(arrival)}"
    terminal.say(terminal.paint(title, BOLD))
    if made is not None:
        _names(made, rules, terminal)
        _keys(made, rules, terminal)
    decided = [line for line in lines if line.what != "when"]
    if decided:
        terminal.say(terminal.paint("decided", BOLD))
        for line in conditions(decided, terminal, "  "):
            terminal.say(visible(line) if not terminal.colour else line)
    terminal.say(terminal.paint("would do", BOLD))
    for did in [*act.logs, *map(plain, act.did)]:
        terminal.say(f"  {wrapped(visible(str(did)), terminal.width - 4)}")
        if _asks(did):
            terminal.say(f"    {terminal.paint('answered as the event says; without answers: timeout', DIM)}")
    colour = RED if isinstance(act.outcomes[-1], Reject) else GREEN
    terminal.say(f"  {terminal.paint(visible(said(act.failure or act.outcomes[-1])), colour)}")


def _source(arrival: Arrival) -> str:
    kind = "kamailio" if isinstance(arrival.spec, KamailioSpec) else "subscription"
    return f"{kind} {arrival.spec.name}"


def _asks(did: Did) -> bool:
    """Something outside is asked, and answers."""
    word = WORDS.get(did.word)
    return word is not None and word.fallible


def _names(made: Trace, rules: Rules, terminal: Terminal) -> None:
    terminal.say(terminal.paint("names", BOLD))
    for number, candidate in enumerate(made.candidates, 1):
        none = "" if candidate.routes else terminal.paint("  no route", DIM)
        terminal.say(f"  {number}. {terminal.paint(visible(candidate.name), CYAN)}{none}")
        for tried in candidate.routes:
            _route(tried, rules, terminal)
    if not made.candidates:
        terminal.say(f"  {terminal.paint('none: a field that every name needs is missing', YELLOW)}")


def _route(tried: Tried, rules: Rules, terminal: Terminal) -> None:
    where = f"{path_shown(tried.place.file)}:{tried.place.line}"
    if tried.taken:
        terminal.say(f"     {terminal.paint('taken', GREEN, BOLD)}  {where}")
    elif not tried.reached:
        terminal.say(f"     {terminal.paint('not tried', DIM)}  {where}")
    elif tried.failed is None:
        terminal.say(f"     {terminal.paint('refused', RED)}  {where}  {visible(tried.schema)}")
    else:
        source = source_at(tried.failed.span, rules.texts)
        terminal.say(f"     {terminal.paint('no', RED)}     {where}  {source}")
        for span, value in tried.failed.reads:
            terminal.say(f"              {source_at(span, rules.texts)} is {visible(brief(value))}")


def _keys(made: Trace, rules: Rules, terminal: Terminal) -> None:
    for key in made.keys:
        terminal.say(terminal.paint("key", BOLD) + f" {terminal.paint(visible(str(key.key)), CYAN)}")
        for encoded, segment in _segments(key):
            source = source_at(segment.span, rules.texts)
            value = "" if segment.value is None else visible(brief(segment.value))
            parts = [encoded, value if value.strip('"') != encoded else "", "" if source == value else source]
            terminal.say("  " + "  from ".join(part for part in parts if part))


def _segments(key: Key) -> list[tuple[str, Segment]]:
    """Each segment as it stands in the key, and as it was given; a constant was worked out at load."""
    encoded = str(key.key).split(".")
    return list(zip(encoded, key.segments, strict=len(encoded) == len(key.segments)))


def _as_json(  # noqa: PLR0917  what `_trace` gives
    event: Captured, rules: Rules, arrival: Arrival, made: Trace | None, act: Act, lines: Sequence[Line]
) -> dict[str, Any]:
    texts = rules.texts
    keys = made.keys if made else ()
    return {
        "event": event.number,
        "subscription": arrival.spec.name,
        "names": [
            {"name": one.name, "routes": [_route_json(tried, texts) for tried in one.routes]}
            for one in (made.candidates if made else ())
        ],
        "route": act.route,
        "keys": [
            {
                "key": key.key,
                "segments": [
                    {"source": source_at(one.span, texts), "value": one.value, "encoded": encoded}
                    for encoded, one in _segments(key)
                ],
            }
            for key in keys
        ],
        "decided": [
            {"path": path_shown(one.file), "line": one.line, "condition": one.source, "value": one.value}
            for one in lines
        ],
        "actions": [{"do": did.word, **did.arguments} for did in act.did],
        "logs": [{"level": did.word, **did.arguments} for did in act.logs],
        "outcome": said(act.failure or act.outcomes[-1]),
    }


def _route_json(tried: Tried, texts: Mapping[str, str]) -> dict[str, Any]:
    failed = tried.failed
    state = "taken" if tried.taken else "not tried" if not tried.reached else "no" if failed else "refused"
    return {
        "path": path_shown(tried.place.file),
        "line": tried.place.line,
        "state": state,
        "condition": source_at(failed.span, texts) if failed else None,
        "values": {source_at(span, texts): value for span, value in (failed.reads if failed else ())},
        "schema": tried.schema or None,
    }
