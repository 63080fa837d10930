"""`kzrules dead`: look at a queue of dead letters, send them back where they came from, remove them.

The one verb that needs a broker: Twisted is imported when it runs, not before.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from kzrules.cli.broker import Session, broker_of, connected
from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.letters import NAMES, Letter, Where, brief, facts, payload, whole
from kzrules.cli.terminal import GREEN, RED, Terminal, Wish, colour_option, counted
from kzrules.errors import BrokerGone


@click.command()
@click.argument("verb", type=click.Choice(["list", "show", "replay", "purge"]))
@click.argument("queue")
@click.option("--rules", metavar="PATH", help="Rules whose `broker` block says where the broker is.")
@click.option(
    "--url", metavar="URL", help="The broker: amqp://host:5672/vhost. No password in it: see --secret."
)
@click.option("--secrets", "folder", metavar="DIR", help='The folder that secret("name") reads.')
@click.option("--secret", metavar="NAME", help="With --url: the file in --secrets that holds user:password.")
@click.option(
    "--where",
    metavar="CONDITION",
    help=f"Only these: a condition over payload fields and {', '.join(NAMES)}.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="Most letters to list or show."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter.")
@click.option("--yes", is_flag=True, help="Purge without asking.")
@colour_option
def command(
    verb: str,
    queue: str,
    *,
    rules: str | None,
    url: str | None,
    folder: str | None,
    secret: str | None,
    where: str | None,
    limit: int,
    as_json: bool,
    yes: bool,
    color: Wish,
) -> int:
    """Look at a QUEUE of dead letters, send them back, or remove them.

    \b
    list    a line or two for each letter; nothing is consumed
    show    each letter whole, with its payload; nothing is consumed
    replay  sends each to the queue that it came from, and removes it
            once the broker has confirmed that
    purge   removes them, after asking

    \b
    kzrules dead list presence.dead --rules rules/presence
    kzrules dead replay presence.dead --rules rules/presence

    Exit status 1: some could not be sent back.
    """  # noqa: D301  click's mark for lines that stay as they are
    terminal = Terminal.of(sys.stdout, color)
    spec, login = broker_of(rules, url, folder, secret)
    meant = Where(where)
    if verb == "purge" and not yes:
        which = "the letters that --where means" if where else "all letters"
        click.confirm(f"remove {which} in {queue} for good?", abort=True, err=True)
    match verb:
        case "list" | "show":
            draw = _draw(verb, terminal, as_json=as_json)
            return connected(spec, login, lambda session: _look(session, queue, limit, meant, draw, terminal))
        case "replay":
            return connected(spec, login, lambda session: _replay(session, queue, meant, terminal))
    return connected(spec, login, lambda session: _purge(session, queue, meant, terminal))


async def _look(  # noqa: PLR0917  what the command line says, once
    session: Session,
    queue: str,
    limit: int,
    where: Where,
    draw: Callable[[Letter], str],
    terminal: Terminal,
) -> int:
    from kzrules.broker import deadletters  # noqa: PLC0415  see `cli.broker`

    total = await deadletters.count(session, queue)
    found = await deadletters.look(session, queue, limit=limit, where=where)
    for letter in found:
        terminal.say(draw(letter))
    click.echo(f"{counted(total, 'letter')} in {queue}, {len(found):,} shown", err=True)
    return CLEAN


def _draw(verb: str, terminal: Terminal, *, as_json: bool) -> Callable[[Letter], str]:
    if as_json:
        return lambda letter: json.dumps(
            {**facts(*letter), "payload": payload(letter[0])}, ensure_ascii=False
        )
    if verb == "show":
        return lambda letter: f"{whole(letter, terminal)}\n"
    return lambda letter: brief(letter, terminal)


def _bar(seen: int, total: int) -> None:
    """A bar on standard error, where somebody looks."""
    if sys.stderr.isatty():
        done = 30 * seen // max(total, 1)
        end = "\n" if seen == total else ""
        click.echo(f"\r[{'#' * done}{'.' * (30 - done)}] {seen:,} of {total:,}{end}", err=True, nl=False)


async def _replay(session: Session, queue: str, where: Where, terminal: Terminal) -> int:
    from twisted.internet import reactor  # noqa: PLC0415  see `cli.broker`

    from kzrules.broker import deadletters  # noqa: PLC0415  both bring Twisted in
    from kzrules.broker.publisher import Publisher  # noqa: PLC0415  see above

    clock: Any = reactor
    publisher = Publisher(clock, keep=False)
    session.on_lost(lambda _error: publisher.session_lost())
    publisher.session_opened(session)
    tally = await deadletters.replay(session, queue, publisher.send, where=where, progress=_bar)
    if not session.is_open:
        raise BrokerGone(f"the connection was lost; {counted(tally.done, 'letter')} had been sent back")
    await publisher.drain()
    terminal.say(
        terminal.paint(f"{counted(tally.done, 'letter')} sent back, {tally.kept:,} left in {queue}", GREEN)
    )
    for why in tally.refused:
        terminal.say(terminal.paint(f"not sent: {why}", RED))
    return FOUND if tally.refused else CLEAN


async def _purge(session: Session, queue: str, where: Where, terminal: Terminal) -> int:
    from kzrules.broker import deadletters  # noqa: PLC0415  see `cli.broker`

    tally = await deadletters.purge(session, queue, where=where, progress=_bar)
    terminal.say(f"{counted(tally.done, 'letter')} removed, {tally.kept:,} left in {queue}")
    return CLEAN
