"""Where something stands in a Kamailio configuration, and the error that shows it with a caret."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from textwrap import wrap
from typing import NamedTuple

from kzrules.errors import KzError

LONGEST = 200
"""Signs of a source line that a comment shows."""
WIDTH = 96


class Place(NamedTuple):
    """A file, a line and a column (both from 1); `text` is the line as it is written there."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        """The file's name and the line."""
        return f"{PurePosixPath(self.file).name}:{self.line}"

    def quoted(self) -> str:
        """A comment with the line as it stands there."""
        text = self.text.strip()
        return f"#   {self}: {text if len(text) <= LONGEST else text[: LONGEST - 3] + '...'}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that has no counterpart in rules: its kind, why, and where it stood."""

    kind: str
    why: str
    place: Place


def marked(kind: str, why: str) -> list[str]:
    """The comment that marks a gap, in lines of a readable length."""
    first, *rest = wrap(f"kz gap: {kind}: {why}", WIDTH)
    return [f"# {first}", *(f"#   {line}" for line in rest)]


class UnreadableError(KzError):
    """A configuration cannot be read: the text names file and line, and points at what is wrong."""

    def __init__(self, why: str, place: Place) -> None:
        super().__init__(f"{place.file}:{place.line}:{place.column}: {why}\n{_pointed(place)}")
        self.place = place


def _pointed(place: Place) -> str:
    number = str(place.line)
    shown = place.text.replace("\t", " ").rstrip()
    start = max(0, place.column - 60)
    return (
        f"{number} | {shown[start : start + 100]}\n{' ' * len(number)} | {' ' * (place.column - 1 - start)}^"
    )
