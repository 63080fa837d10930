"""`kzrules run`: the service in the foreground, for units and containers: twin of `twistd -n kzrules run`.

It takes the same options, writes its log to standard output, and leaves nothing in the working folder.
"""

from typing import Any

import click

from kzrules.cli.command import CLEAN


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Run rules against a broker until a SIGTERM: `kzrules run --help` lists the options."""
    from twisted.python.usage import UsageError  # noqa: PLC0415  only this verb runs the service

    from kzrules.tap import RunOptions  # noqa: PLC0415  as above

    options = RunOptions()
    options.synopsis = "Usage: kzrules run [options] RULES..."
    try:
        options.parseOptions(list(arguments))
    except UsageError as wrong:
        raise click.UsageError(str(wrong)) from None
    _run(options)
    return CLEAN


def _run(options: Any) -> None:
    from twisted.internet import reactor  # noqa: PLC0415  installs the reactor
    from twisted.logger import globalLogBeginner  # noqa: PLC0415  see `command`

    from kzrules import logs  # noqa: PLC0415  see `command`
    from kzrules.service.build import build  # noqa: PLC0415  see `command`

    logs.choose(logs.Choice(options["log-format"], options["log-level"]))
    globalLogBeginner.beginLoggingTo([logs.observer()], redirectStandardIO=False)
    service: Any = build(options)
    running: Any = reactor
    running.addSystemEventTrigger("before", "shutdown", service.stopService)
    service.startService()
    running.run()
