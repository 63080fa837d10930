"""`twistd kzrules run RULES...`: what twistd asks for, options and a service. Called by the plugin."""

import sys
from collections.abc import Sequence
from getopt import GetoptError, gnu_getopt
from pathlib import Path
from typing import Any, ClassVar, cast

from twisted.application.service import IService
from twisted.python import usage

from kzrules import __version__, logs


class RunOptions(usage.Options):
    """The options of `run`. No password is ever given here: it would stand in `ps`."""

    synopsis = "twistd [twistd's options] kzrules run [options] RULES..."
    optParameters: ClassVar[list[list[Any]]] = [
        ["broker-file", None, None, "A file with a `broker` block that takes the place of the rules' own."],
        ["secrets", None, None, 'The folder that secret("name") reads. [default: $CREDENTIALS_DIRECTORY]'],
        ["node", None, None, "This host's name on the bus, `node` in rules. [default: the host name]"],
        ["app-name", None, "kzrules", "The field App-Name, and the first part of Node and Server-ID."],
        ["workers", None, 4, "Threads that run rules; a rule that waits for an answer holds none.", int],
        ["drain-timeout", None, 30.0, "Seconds that events in hand may take to finish at the end.", float],
        ["control", None, None, "A unix socket for `kzrules ctl`; its owner alone may use it."],
        ["state", None, None, "A folder of this process alone, where tables survive a restart."],
        ["state-age", None, 3600.0, "Seconds after which tables in the state folder are too old.", float],
        ["http", None, None, "Health, metrics and a page, for example 127.0.0.1:9480. [default: none]"],
        ["log-format", None, "text", "text, or json: one object a line."],
        ["log-level", None, "info", "debug, info, warn or error; debug has a line for every event."],
    ]
    optFlags: ClassVar[list[list[Any]]] = [
        ["watch", None, "Load the rules anew when one of their files changes."],
        ["otel", None, "Trace by OpenTelemetry; OTEL_* variables say where to. Needs kzrules[otel]."],
        ["check", None, "Stop after checking: exit status 0 when the rules would start, else 1."],
    ]
    longdesc = "Run the rules in files and folders against the broker that they name, until a SIGTERM."

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not typed in Twisted
        self["set"] = {}
        self["rules"] = ()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Take options before and behind the rules; getopt alone would stop at the first rule."""
        try:
            found, rules = gnu_getopt(list(options or ()), self.shortOpt, self.longOpt)
        except GetoptError as error:
            raise usage.UsageError(str(error)) from None
        plain = [f"{name}={value}" if value else name for name, value in found]
        super().parseOptions([*plain, "--", *rules])  # type: ignore[no-untyped-call]  # not typed in Twisted

    def opt_set(self, assignment: str) -> None:
        """Give a setting of the rules another value: NAME=VALUE. May be said several times."""
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise usage.UsageError(f"--set takes NAME=VALUE, and got {assignment!r}.")
        self["set"][name] = value

    def opt_version(self) -> None:
        """Say which kzrules this is."""
        sys.stdout.write(f"kzrules {__version__}\n")
        raise SystemExit(0)

    def parseArgs(self, *rules: str) -> None:
        """Take the rule files and folders."""
        if not rules:
            raise usage.UsageError("Say which rules to run: files ending in .kzr, or folders of them.")
        self["rules"] = tuple(rules)

    def postOptions(self) -> None:
        """Refuse what cannot be, and take over twistd's logging."""
        _one_of(self, "log-format", ("text", "json"))
        _one_of(self, "log-level", logs.LEVELS)
        _at_least(self, "workers", 1)
        _at_least(self, "drain-timeout", 0)
        _at_least(self, "state-age", 0)
        for name in ("broker-file", "secrets"):
            if self[name] is not None and not Path(self[name]).exists():
                raise usage.UsageError(f"--{name}: there is no {self[name]!r}.")
        self._take_over_logging()

    def _take_over_logging(self) -> None:
        """Have twistd use our lines, unless its own --logger or --syslog was asked for."""
        twistd = self.parent.parent if self.parent is not None else None
        self["pid-file"] = twistd.get("pidfile") if twistd is not None else None
        if twistd is None or twistd.get("logger") or twistd.get("syslog"):
            logs.set_level(self["log-level"])
            return
        file = twistd.get("logfile")
        if file is None and not twistd.get("nodaemon"):
            file = "twistd.log"  # where a daemon of twistd's logs when nobody says otherwise
        logs.choose(logs.Choice(self["log-format"], self["log-level"], file))
        twistd["logger"] = "kzrules.logs.observer"


class Options(usage.Options):
    """The options of `twistd kzrules`: one verb, `run`."""

    synopsis = "twistd [twistd's options] kzrules run [options] RULES..."
    subCommands: ClassVar[list[Any]] = [["run", None, RunOptions, "Run rules against a broker."]]
    longdesc = "AMQP events run rules: a service beside Kamailio, in place of its kazoo module."

    def postOptions(self) -> None:
        """Ask for the verb when it is missing."""
        if self.subCommand is None:
            raise usage.UsageError("Say `twistd kzrules run RULES...`.")


def _one_of(options: usage.Options, name: str, choices: tuple[str, ...]) -> None:
    if options[name] not in choices:
        raise usage.UsageError(f"--{name} is {' or '.join(choices)}, and not {options[name]!r}.")


def _at_least(options: usage.Options, name: str, least: float) -> None:
    if options[name] < least:
        raise usage.UsageError(f"--{name} is at least {least}, and not {options[name]}.")


def makeService(options: Options) -> IService:
    """Check the rules, and give the service that runs them; exit with status 1 when they do not check."""
    # Imported here: pika's adapter installs a reactor, and twistd has chosen one only by now.
    from kzrules.service.build import build  # noqa: PLC0415  see above

    return cast("IService", build(options.subOptions))
