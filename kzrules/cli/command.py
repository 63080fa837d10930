"""The group of verbs: each is imported when it is called, so that `check` never pays for `test`.

`main` is the process's border: what a verb raises becomes a sentence and an exit status here.
"""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from kzrules import __version__
from kzrules.errors import KzError
from kzrules.language.findings.nearest import did_you_mean

VERBS = {
    "check": "Say what is wrong in rule files, before the service does.",
    "fmt": "Bring rule files into their one canonical form.",
    "test": "Run the tests that stand in rule files; no broker needed.",
    "trace": "Show what one event does: names, routes, keys, actions.",
    "diff": "Play captured events through two rule sets; show what changes.",
    "explain": "Tell what a finding's code means, and how to mend it.",
    "new": "Write a first rule file with a test.",
    "convert": "Make rule files out of a Kamailio configuration.",
    "run": "Run rules against a broker, in the foreground.",
    "dead": "Look at dead letters, send them back, or remove them.",
    "capture": "Record events from a bus, as trace and diff read them.",
    "ctl": "Ask a running service how it is, and tell it what to do.",
    "completion": "Print the completion script of a shell.",
}
"""Each verb is `kzrules.cli.<verb>.command`."""

CLEAN, FOUND, FAILED = 0, 1, 2
"""Exit statuses: nothing wrong; something wrong in the rules; wrong usage, or a failure of our own."""

INTERRUPTED, PIPE_CLOSED = 130, 141
"""What a shell shows for SIGINT and SIGPIPE."""


class Verbs(click.Group):
    """Lists the verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """In the order in which they are met."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Import a verb's file."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"kzrules.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101  each verb's file defines it
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A verb that is not there is answered with the nearest one."""
        if args[0] in VERBS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        hint = did_you_mean(args[0], VERBS, "`kzrules --help` lists the verbs")
        raise click.UsageError(f"there is no verb `{args[0]}`; {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """The list of `--help`, without importing the verbs."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(
    cls=Verbs,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The service itself is started by `kzrules run`, or as a daemon by `twistd kzrules run`.",
)
@click.version_option(__version__, "-V", "--version", prog_name="kzrules")
def verbs() -> None:
    """Check, format, test and try out rules for kzrules, without a broker."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one verb and end the process with its status."""
    gc.set_threshold(100_000, 20, 20)  # trees stay: looking for garbage among them is half of a short life
    status = run(arguments)
    gc.freeze()  # and looking for it once more at the end, when the memory is given back anyway, is a tenth
    sys.exit(status)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; everything that can happen becomes an exit status."""
    try:
        status = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return status


def _invoke(arguments: Sequence[str] | None) -> int:
    try:
        status = verbs.main(arguments, prog_name="kzrules", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show(sys.stderr)
        return FAILED
    except KzError as why:
        click.echo(f"kzrules: {why}", err=True)
        return FAILED
    except (BrokenPipeError, KeyboardInterrupt, click.Abort):
        raise
    except Exception:  # noqa: BLE001  the border: a fault of our own is shown whole, and is status 2
        traceback.print_exc()
        click.echo("kzrules: this is a fault in kzrules; please report it with the lines above", err=True)
        return FAILED
    return status if isinstance(status, int) else CLEAN


def _drop_output() -> None:
    """The reader went away: give the interpreter's last flush somewhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
