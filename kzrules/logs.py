"""How the service's log lines look: readable, or one JSON object a line; the level may change while running.

`tap` chooses before twistd sets up its own logging; `observer` is what twistd then calls by name.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
)
from twisted.python.logfile import LogFile
from zope.interface import implementer

LEVELS = ("debug", "info", "warn", "error")


@dataclass(slots=True)
class Choice:
    """What the command line asked for; `file` None or "-" is standard output."""

    format: str = "text"
    level: str = "info"
    file: str | None = None


_chosen = Choice()
_threshold = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
_level = cast("ILogFilterPredicate", _threshold)


def choose(choice: Choice) -> None:
    """Decide how the lines of this process look, before logging starts."""
    _chosen.format, _chosen.level, _chosen.file = choice.format, choice.level, choice.file
    set_level(choice.level)


def level() -> str:
    """The level from which on lines are let through."""
    return _chosen.level


def set_level(level: str) -> None:
    """Let through lines of this level and above: debug, info, warn or error."""
    _chosen.level = level
    _threshold.setLogLevelForNamespace("kzrules", LogLevel.levelWithName(level))
    # Other people's lines (Twisted's, pika's) below info help nobody at night.
    _threshold.setLogLevelForNamespace("", max(LogLevel.levelWithName(level), LogLevel.info))


def observer() -> ILogObserver:
    """The observer that twistd is told to use (its option `--logger`)."""
    out = _open(_chosen.file)
    lines = json_line if _chosen.format == "json" else text_line
    # zope's interfaces are unknown to the type checker: both are implemented below and in Twisted.
    return cast("ILogObserver", FilteringLogObserver(cast("ILogObserver", _Writer(out, lines)), [_level]))


def _open(path: str | None) -> IO[Any]:
    if path is None or path == "-":
        return sys.stdout
    # twistd's own choice for --logfile: a file that is never rotated by us, only by its owner.
    where = Path(path)
    return cast("IO[Any]", LogFile(where.name, str(where.parent), rotateLength=None))  # type: ignore[no-untyped-call]  # not typed in Twisted


@implementer(ILogObserver)
class _Writer:
    def __init__(self, out: IO[str], line: Callable[[LogEvent], str]) -> None:
        self._out = out
        self._line = line

    def __call__(self, event: LogEvent) -> None:
        self._out.write(self._line(event) + "\n")
        self._out.flush()


def text_line(event: LogEvent) -> str:
    """`2026-11-23 10:00:00.123 warn  kzrules.broker.link: text`, a failure's traceback below it."""
    time = datetime.fromtimestamp(event["log_time"]).astimezone()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S.") + f"{time.microsecond // 1000:03d}"
    text = formatEvent(event) + _traceback(event)
    return f"{stamp} {event['log_level'].name:<5} {text}"


def json_line(event: LogEvent) -> str:
    """One JSON object: time (RFC 3339), level, source, text, and the fields the line was given."""
    line = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event["log_level"].name,
        "source": event.get("log_namespace", ""),
        "text": formatEvent(event) + _traceback(event),
    }
    line.update({name: value for name, value in event.items() if _is_field(name, value)})
    return json.dumps(line, default=str)


def _is_field(name: str, value: object) -> bool:
    legacy = ("isError", "message", "time", "system", "format", "why", "failure")
    return not name.startswith("log_") and name not in legacy and not callable(value)


def _traceback(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return "" if failure is None else "\n" + failure.getTraceback().rstrip()
