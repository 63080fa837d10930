"""How the service's log lines look: readable, or one JSON object a line; the level may change while running.

`tap` chooses before twistd sets up its own logging; `observer` is what twistd then calls by name.
"""

import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
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

PERIOD = 1.0
"""Seconds in which a line is written once, however often it comes."""
MOST_LINES = 1_000
"""Different lines that are remembered for that."""
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
    """Writes each line; one that is the same over and over once a second, with how many were left out."""

    def __init__(
        self, out: IO[str], line: Callable[[LogEvent], str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._line = line
        self._repeats = Repeats()
        self._now = now
        self._lock = Lock()  # lines come from worker threads, too

    def __call__(self, event: LogEvent) -> None:
        with self._lock:
            if event["log_level"] is LogLevel.debug:  # one a thing that happened, and wanted
                self._write(event)
            else:
                for one in self._repeats.take(event, self._now()):
                    self._write(one)

    def _write(self, event: LogEvent) -> None:
        self._out.write(self._line(event) + "\n")
        self._out.flush()


class Repeats:
    """Lines of one level and text within a second of each other."""

    def __init__(self) -> None:
        self._lines: OrderedDict[tuple[str, str], _Line] = OrderedDict()  # the one written longest ago first
        self._next_look = 0.0

    def take(self, event: LogEvent, now: float) -> list[LogEvent]:
        """What is to be written now: the line unless it was a moment ago, and what was left out before."""
        written = self._told(now) if now >= self._next_look else []
        key = event["log_level"].name, formatEvent(event)
        line = self._lines.get(key)
        if line is not None and now - line.written < PERIOD:
            line.last, line.left_out = event, line.left_out + 1
            return written
        self._lines[key] = _Line(event, now)
        self._lines.move_to_end(key)
        if len(self._lines) > MOST_LINES:
            _, oldest = self._lines.popitem(last=False)
            written += oldest.told()
        return [*written, event]

    def _told(self, now: float) -> list[LogEvent]:
        self._next_look = now + PERIOD
        told: list[LogEvent] = []
        for key, line in list(self._lines.items()):
            if now - line.written < PERIOD:
                break
            del self._lines[key]
            if line.left_out:
                told += line.told()
                self._lines[key] = _Line(line.last, now)
        return told


@dataclass(slots=True)
class _Line:
    last: LogEvent
    written: float
    left_out: int = 0

    def told(self) -> list[LogEvent]:
        """The last of those that were left out, with how many these were."""
        return [{**self.last, "left_out": self.left_out}] if self.left_out else []


def text_line(event: LogEvent) -> str:
    """`2026-11-23 10:00:00.123 warn  kzrules.broker.link: text`, a failure's traceback below it."""
    at = datetime.fromtimestamp(event["log_time"]).astimezone()
    stamp = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    text = _text(event)
    return f"{stamp} {event['log_level'].name:<5} {text}"


def json_line(event: LogEvent) -> str:
    """One JSON object: time (RFC 3339), level, source, text, and the fields the line was given."""
    line = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event["log_level"].name,
        "source": event.get("log_namespace", ""),
        "text": _text(event),
    }
    fields = {name: value for name, value in event.items() if _is_field(name, value)}
    return json.dumps({**fields, **line} if fields.keys() & line.keys() else {**line, **fields}, default=str)


def _text(event: LogEvent) -> str:
    left_out = event.get("left_out")
    more = f" ({left_out} times more since the last such line)" if left_out else ""
    return formatEvent(event) + more + _traceback(event)


def _is_field(name: str, value: object) -> bool:
    legacy = ("more", "isError", "message", "time", "system", "format", "why", "failure")
    return not name.startswith("log_") and name not in legacy and not callable(value)


def _traceback(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return "" if failure is None else "\n" + failure.getTraceback().rstrip()
