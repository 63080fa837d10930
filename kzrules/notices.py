"""Log lines that a flood of events cannot turn into a flood of lines. Called by
`broker` and `kamailio`.

A line is said a few times a minute for each thing that it is about; what was left out is counted
in the next one.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from types import MappingProxyType

from twisted.logger import Logger, LogLevel

from kzrules.clock import Clock

Fields = Mapping[str, object]
"""What a line holds besides its text, for whoever reads the log by program."""
NONE: Fields = MappingProxyType({})
PERIOD = 60.0
MOST_SUBJECTS = 1_000


class Notices:
    """At most `often` lines in a minute about one subject."""

    def __init__(self, clock: Clock, log: Logger, often: int = 5) -> None:
        self._clock = clock
        self._log = log
        self._often = often
        self._subjects: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()  # -> since, how many

    def warn(self, subject: Hashable, text: str, *, often: int | None = None, fields: Fields = NONE) -> None:
        """Say it as a warning."""
        self._say(LogLevel.warn, subject, text, often or self._often, fields)

    def error(self, subject: Hashable, text: str, fields: Fields = NONE) -> None:
        """Say it as an error: somebody has to repair something."""
        self._say(LogLevel.error, subject, text, self._often, fields)

    def info(self, subject: Hashable, text: str, *, often: int | None = None, fields: Fields = NONE) -> None:
        """Say it for information."""
        self._say(LogLevel.info, subject, text, often or self._often, fields)

    def _say(self, level: LogLevel, subject: Hashable, text: str, often: int, fields: Fields) -> None:
        now = self._clock.seconds()
        since, said = self._subjects.pop(subject, (now, 0))
        left_out = max(0, said - often)
        if now - since >= PERIOD:
            since, said = now, 0
        if len(self._subjects) >= MOST_SUBJECTS:
            self._subjects.popitem(last=False)
        self._subjects[subject] = (since, said + 1)
        if said < often:
            more = f" ({left_out} more like it since the last line)" if left_out and not said else ""
            self._log.emit(level, "{text}{more}", text=text, more=more, **dict(fields))
