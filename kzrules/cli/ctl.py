"""`kzrules ctl`: ask a running service how it is, and tell it what to do, by its control socket."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from kzrules.cli.asking import Refused, ask, lines
from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.status_text import routes_text, status_text, tables_text
from kzrules.cli.terminal import (
    CYAN,
    DIM,
    GREEN,
    RED,
    YELLOW,
    Terminal,
    Wish,
    colour_option,
    counted,
    visible,
)

DEFAULT = "/run/kzrules/control"


@click.group(no_args_is_help=True)
@click.option(
    "--control",
    "path",
    metavar="PATH",
    default=lambda: os.environ.get("KZRULES_CONTROL", DEFAULT),
    help=f"The service's control socket.  [default: $KZRULES_CONTROL, else {DEFAULT}]",
)
@click.pass_context
def command(context: click.Context, path: str) -> None:
    """Ask a running service how it is, and tell it what to do."""
    context.obj = path


def _as_json(verb: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="JSON for programs.")(verb)


@command.command()
@_as_json
@colour_option
@click.pass_obj
def status(path: str, *, as_json: bool, color: Wish) -> int:
    """How it is doing. Exit status 1: it is not ready."""
    found = ask(path, {"do": "status"})
    terminal = Terminal.of(sys.stdout, color)
    terminal.say(json.dumps(found, indent=2) if as_json else status_text(found, terminal))
    return CLEAN if found["ready"] else FOUND


@command.command()
@_as_json
@colour_option
@click.pass_obj
def routes(path: str, *, as_json: bool, color: Wish) -> int:
    """What each event route did since the start."""
    found = ask(path, {"do": "routes"})
    terminal = Terminal.of(sys.stdout, color)
    terminal.say(json.dumps(found, indent=2) if as_json else routes_text(found, terminal))
    return CLEAN


@command.command()
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most entries.")
@_as_json
@colour_option
@click.pass_obj
def tables(path: str, name: str | None, *, limit: int, as_json: bool, color: Wish) -> int:
    """The tables, or the newest entries of one."""
    found = ask(path, {"do": "tables", "name": name, "limit": limit})
    terminal = Terminal.of(sys.stdout, color)
    terminal.say(json.dumps(found, indent=2) if as_json else tables_text(found, name, terminal))
    return CLEAN


def _told(path: str, request: dict[str, Any], color: Wish) -> int:
    """Do it, and say what came of it; 1 where the service refused."""
    terminal = Terminal.of(sys.stdout, color)
    try:
        said = ask(path, request, None)
    except Refused as refused:
        terminal.say(terminal.paint(f"refused: {visible(str(refused))}; the old rules go on", RED))
        for one in refused.findings:
            colour = RED if one["severity"] == "error" else YELLOW
            terminal.say(f"  {terminal.paint(one['code'], colour)} {one['place']}: {visible(one['message'])}")
        return FOUND
    terminal.say(terminal.paint(visible(str(said)), GREEN))
    return CLEAN


@command.command()
@colour_option
@click.pass_obj
def reload(path: str, *, color: Wish) -> int:
    """Load the rules anew. Exit status 1: they were refused, and the old ones go on."""
    return _told(path, {"do": "reload"}, color)


@command.command()
@colour_option
@click.pass_obj
def rollback(path: str, *, color: Wish) -> int:
    """Back to the rules before the last reload."""
    return _told(path, {"do": "rollback"}, color)


@command.command()
@colour_option
@click.pass_obj
def drain(path: str, *, color: Wish) -> int:
    """Consume no more and finish what is in hand; the process stays, until it is stopped."""
    left = ask(path, {"do": "drain"}, None)["in_hand"]
    terminal = Terminal.of(sys.stdout, color)
    if left:
        text = f"{counted(left, 'event')} did not finish in time: the broker delivers them again"
        terminal.say(terminal.paint(text, YELLOW))
        return FOUND
    terminal.say(terminal.paint("drained: nothing is in hand, and nothing is consumed", GREEN))
    return CLEAN


@command.command("log-level")
@click.argument("level", required=False, type=click.Choice(["debug", "info", "warn", "error"]))
@click.pass_obj
def log_level(path: str, level: str | None) -> int:
    """Say the log level, or change it; debug has a line for every event."""
    click.echo(ask(path, {"do": "log-level", "level": level}))
    return CLEAN


@command.command()
@click.option("--route", metavar="GLOB", help="Only events of these routes, for example '*presence*'.")
@click.option("--where", metavar="EXPR", help="Only where this holds, as in a rule: '.State == \"early\"'.")
@click.option("--unmatched", is_flag=True, help="Only events that no route took.")
@click.option("--failed", is_flag=True, help="Only events that were rejected.")
@click.option("--redact", metavar="FIELD", multiple=True, help="Never show this field, at any depth.")
@click.option("--limit", type=click.IntRange(1), help="End after so many.")
@click.option("--rate", type=click.FloatRange(0.1), default=100.0, show_default=True, help="Most a second.")
@_as_json
@colour_option
@click.pass_obj
def tap(path: str, /, *, as_json: bool, color: Wish, **wish: Any) -> int:
    """Show live events and what their rules did, until Ctrl-C. The service never waits for you."""
    terminal = Terminal.of(sys.stdout, color)
    wish["redact"] = list(wish["redact"])
    heard = lines(path, {"do": "tap", **wish})
    first = next(heard)
    click.echo(
        f"tap: {counted(first['routes'], 'route')} {'match' if first['routes'] != 1 else 'matches'}", err=True
    )
    for one in heard:
        if "left_out" in one:
            click.echo(f"tap: {counted(one['left_out'], 'event')} left out", err=True)
        else:
            terminal.say(json.dumps(one, ensure_ascii=False) if as_json else _event(one, terminal))
        sys.stdout.flush()
    return CLEAN


def _event(one: dict[str, Any], terminal: Terminal) -> str:
    """One event in two or three lines."""
    colour = {"ack": GREEN, "retry": YELLOW}.get(str(one["outcome"]), RED)
    route = one["route"] or "no route"
    first = f"{terminal.paint(str(one['outcome']), colour)} {terminal.paint(visible(route), CYAN)}"
    took = f"  {one['ms']:g} ms" if one["ms"] is not None else ""
    shown = [f"{first}  {visible(str(one['routing_key']))}{terminal.paint(took, DIM)}"]
    if one["reason"]:
        shown.append(f"  {visible(str(one['reason']))}" + (f" ({one['place']})" if one["place"] else ""))
    shown += [f"  {visible(did)}" for did in one["did"]]
    if one["payload"] is None:
        shown.append(terminal.paint(f"  a payload of {one['bytes']:,} bytes", DIM))
    else:
        shown.append(terminal.paint(f"  {visible(json.dumps(one['payload'], ensure_ascii=False))}", DIM))
    return "\n".join(shown)
