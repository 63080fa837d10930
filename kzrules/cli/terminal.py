"""What the reader's side can show: its width, and whether it takes colours. Every verb asks here."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TextIO, TypeVar

import click

Wish = Literal["auto", "always", "never"]
Verb = TypeVar("Verb", bound=Callable[..., Any])

RED, GREEN, YELLOW, CYAN, BOLD, DIM = "31", "32", "33", "36", "1", "2"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a verb's report goes."""

    stream: TextIO
    width: int
    colour: bool

    @classmethod
    def of(cls, stream: TextIO, wish: Wish = "auto") -> "Terminal":
        """The terminal behind a stream; a pipe counts as 80 columns (or `COLUMNS`) without colour."""
        width = shutil.get_terminal_size((80, 24)).columns
        return cls(stream, max(40, min(width, 120)), _colour(stream, wish))

    def paint(self, text: str, *styles: str) -> str:
        """The text in a style, where styles are shown."""
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if self.colour and text else text

    def say(self, text: str = "") -> None:
        """Write a line."""
        self.stream.write(f"{text}\n")


def _colour(stream: TextIO, wish: Wish) -> bool:
    """https://no-color.org: set and not empty means none; `--color` outranks it."""
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour_option(verb: Verb) -> Verb:
    """The option `--color` of every verb that writes for people."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colours; auto heeds NO_COLOR, FORCE_COLOR and whether a terminal reads.",
    )(verb)


def visible(text: str) -> str:
    """Text of a file or of an event for a terminal: control characters cannot move its cursor."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)


def wrapped(text: str, room: int, pad: str = "  ") -> str:
    """A long call over several lines, cut at its commas; all but the first stand further in."""
    lines, rest = [], text
    while len(rest) > room:
        cut = rest.rfind(", ", room // 4, room)
        if cut < 0:
            break
        lines.append(rest[: cut + 1])
        rest = "  " + rest[cut + 2 :]
    return f"\n{pad}".join([*lines, rest])


def counted(number: int, one: str, many: str = "") -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
