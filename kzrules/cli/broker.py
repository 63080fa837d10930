"""The broker that a verb was given: which one it is, and one connection to it for one job.

Used by `dead` and `capture`; Twisted is imported when one of them runs, not before.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import click

from kzrules import secrets
from kzrules.errors import KzError, SettingError
from kzrules.language.declare import declare
from kzrules.language.program import BrokerSpec, ZoneSpec
from kzrules.language.source import read_program
from kzrules.words import WORDS

Session = Any
Job = Callable[[Session], Awaitable[int]]


def broker_of(
    rules: str | None, url: str | None, folder: str | None, secret: str | None
) -> tuple[BrokerSpec, tuple[str, str] | None]:
    """Where the broker is and who logs in, from the options --rules, --url, --secrets and --secret."""
    from kzrules.language.program import Secret  # noqa: PLC0415  only here

    place = secrets.folder(folder)
    if url is not None:
        spec = BrokerSpec((ZoneSpec("local", (url,)),), login=Secret(secret) if secret else None)
        return spec, secrets.login(spec.login, place)
    if rules is None:
        raise click.UsageError("say where the broker is: a file with its `broker` block, or --url URL")
    declared = declare(read_program([rules]).files, {}, "localhost", words=WORDS)
    if declared.broker is None:
        raise click.UsageError(f"{rules} has no `broker` block; say --url URL")
    return declared.broker, secrets.login(declared.broker.login, place)


def connected(spec: BrokerSpec, login: tuple[str, str] | None, job: Job) -> int:
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
    from twisted.internet.defer import Deferred  # noqa: PLC0415  see `connected`

    from kzrules.broker.dial import Race, dialler  # noqa: PLC0415  see `connected`
    from kzrules.broker.zones import servers  # noqa: PLC0415  see `connected`

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
    race.start(dialler(spec, login, reactor, "kzrules"), listed, 0)
    return await found
