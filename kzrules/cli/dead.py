"""`kzrules dead`: look at a queue of dead letters, send them back where they came from, remove them.

The one verb that needs a broker: Twisted is imported when it runs, not before.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click

from kzrules import secrets
from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.letters import NAMES, Letter, Where, brief, facts, payload, whole
from kzrules.cli.terminal import GREEN, RED, Terminal, Wish, colour_option, counted
from kzrules.errors import BrokerGone, KzError, SettingError
from kzrules.language.declare import declare
from kzrules.language.program import BrokerSpec, ZoneSpec
from kzrules.language.source import read_program
from kzrules.words import WORDS

Session = Any
Job = Callable[[Session], Awaitable[int]]


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

    list and show consume nothing. replay sends each letter to the queue that it came from, and
    removes it once the broker has confirmed that. Exit status 1: some could not be sent back.
    """
    terminal = Terminal.of(sys.stdout, color)
    spec, login = _broker(rules, url, folder, secret)
    meant = Where(where)
    if verb == "purge" and not yes:
        which = "the letters that --where means" if where else "all letters"
        click.confirm(f"remove {which} in {queue} for good?", abort=True, err=True)
    match verb:
        case "list" | "show":
            draw = _draw(verb, terminal, as_json=as_json)
            return _run(spec, login, lambda session: _look(session, queue, limit, meant, draw, terminal))
        case "replay":
            return _run(spec, login, lambda session: _replay(session, queue, meant, terminal))
    return _run(spec, login, lambda session: _purge(session, queue, meant, terminal))


def _broker(
    rules: str | None, url: str | None, folder: str | None, secret: str | None
) -> tuple[BrokerSpec, tuple[str, str] | None]:
    from kzrules.language.program import Secret  # noqa: PLC0415  only here

    place = secrets.folder(folder)
    if url is not None:
        spec = BrokerSpec((ZoneSpec("local", (url,)),), login=Secret(secret) if secret else None)
        return spec, secrets.login(spec.login, place)
    if rules is None:
        raise click.UsageError("say where the broker is: --rules PATH or --url URL")
    declared = declare(read_program([rules]).files, {}, "localhost", words=WORDS)
    if declared.broker is None:
        raise click.UsageError(f"{rules} has no `broker` block; say --url URL")
    return declared.broker, secrets.login(declared.broker.login, place)


def _run(spec: BrokerSpec, login: tuple[str, str] | None, job: Job) -> int:
    """Connect to the first broker that answers, do the job, close."""
    from twisted.internet import defer, reactor, task  # noqa: PLC0415  installs the reactor

    outcome: list[int | KzError] = []

    async def main() -> None:
        try:
            session = await _session(spec, login, reactor)
            outcome.append(await job(session))
            await session.close()
        except KzError as why:
            outcome.append(why)

    try:
        task.react(lambda _: defer.ensureDeferred(main()))
    except SystemExit as ended:
        if ended.code and not outcome:
            return 2
    if not outcome:
        raise KeyboardInterrupt
    if isinstance(outcome[0], KzError):
        raise outcome[0]
    return outcome[0]


async def _session(spec: BrokerSpec, login: tuple[str, str] | None, reactor: Any) -> Session:
    from twisted.internet.defer import Deferred  # noqa: PLC0415  see `_run`

    from kzrules.broker.dial import Race, dialler  # noqa: PLC0415  see `_run`
    from kzrules.broker.zones import servers  # noqa: PLC0415  see `_run`

    found: Deferred[Any] = Deferred()
    race = Race(
        reactor,
        (spec.connection_timeout, spec.handshake_timeout),
        lambda: None,
        lambda _server, session: found.callback(session),
        lambda _server, _error: None,
        found.errback,
    )
    listed = servers(spec)
    if not listed:
        raise SettingError("the `broker` block names no broker")
    race.start(dialler(spec, login, reactor, "kzrules dead"), listed, 0)
    return await found


async def _look(  # noqa: PLR0917  what the command line says, once
    session: Session,
    queue: str,
    limit: int,
    where: Where,
    draw: Callable[[Letter], str],
    terminal: Terminal,
) -> int:
    from kzrules.broker import deadletters  # noqa: PLC0415  see `_run`

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
    from twisted.internet import reactor  # noqa: PLC0415  see `_run`

    from kzrules.broker import deadletters  # noqa: PLC0415
    from kzrules.broker.publisher import Publisher  # noqa: PLC0415

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
    from kzrules.broker import deadletters  # noqa: PLC0415  see `_run`

    tally = await deadletters.purge(session, queue, where=where, progress=_bar)
    terminal.say(f"{counted(tally.done, 'letter')} removed, {tally.kept:,} left in {queue}")
    return CLEAN
