"""`format_time`: a time as text, in UTC."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import NUMBER, TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import Run, number_in, text_in

_DIRECTIVE = re.compile("%(.?)", re.DOTALL)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MAKERS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "H": lambda at: f"{at.hour:02}",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "f": lambda at: f"{at.microsecond:06}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "a": lambda at: _DAYS[at.weekday()][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "B": lambda at: _MONTHS[at.month - 1],
    "s": lambda at: str(int(at.timestamp())),
    "F": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "T": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "Z": lambda _: "UTC",
    "z": lambda _: "+0000",
    "%": lambda _: "%",
}


def format_time_value(run: Run, form: Any, at: Any = None) -> str:
    """The time as text."""
    wanted = text_in("format_time", "form", form)
    seconds = run.now if at is None else number_in("format_time", "at", at)
    if len(wanted) > 1000:
        raise RuleFailure(f"format_time: `form` has {len(wanted)} characters, more than 1000")
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise RuleFailure("format_time: `at` is no time between the years 1 and 9999") from None
    return _DIRECTIVE.sub(lambda found: _written(found.group(1), moment), wanted)


def _written(directive: str, moment: datetime) -> str:
    maker = _MAKERS.get(directive)
    if maker is None:
        raise RuleFailure(
            f"format_time: %{directive} is unknown; known are {' '.join('%' + name for name in _MAKERS)}"
        )
    return maker(moment)


WORD = Word(
    name="format_time",
    about=(
        "A time as text, in UTC. `%Y %m %d %H %M %S` are its parts, `%f` microseconds, `%j` the "
        "day of the year, `%a %A %b %B` names in English, `%s` seconds since 1970, `%F` and `%T` "
        "date and time, `%%` a percent sign."
    ),
    parameters=(
        Parameter("form", TEXT, "how to write it"),
        Parameter("at", NUMBER | {Kind.NULL}, "the time in seconds since 1970; null for now", None),
    ),
    gives=TEXT,
    examples=(
        Example('format_time("%Y-%m-%dT%H:%M:%SZ", 0)', gives='"1970-01-01T00:00:00Z"'),
        Example('format_time("%a, %d %b %Y", 1767312000)', gives='"Fri, 02 Jan 2026"'),
        Example('format_time("%s.%f", 1.5)', gives='"1.500000"'),
        Example('len(format_time("%F"))', gives="10"),
        Example('format_time("%Q", 0)', fails="%Q is unknown"),
        Example('format_time("%Y", 1e18)', fails="years 1 and 9999"),
    ),
    call=format_time_value,
    needs_run=True,
    pure=False,
    group="time and chance",
)
