"""Findings as a person reads them: the place, the line of source with carets, the way out.
The command line and the service's start call.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.span import Span

TAB = 4
_COLOURS = {"error": "31", "warning": "33", "frame": "34", "strong": "1", "help": "36"}


PASSWORD = re.compile(r"(?<=://)([^\s:/@\"]*:)([^\s@\"]+)(?=@)")
"""What stands between a URL's user and its host: findings go to logs, where no password may stand."""


def _starred(found: re.Match[str]) -> str:
    """As wide as it was, so that carets still point at the same place."""
    return found[1] + "*" * len(found[2])


def render(
    diagnostics: Sequence[Diagnostic],
    texts: Mapping[str, str],
    width: int = 80,
    colour: bool = False,  # noqa: FBT001, FBT002  callers give it by position after the width
) -> str:
    """Draw each finding with its source."""
    pens = _Pens(texts, max(width, 40), colour)
    return "\n\n".join(pens.finding(one) for one in diagnostics)


def concise(diagnostics: Iterable[Diagnostic]) -> str:
    """One line for each finding."""
    return "\n".join(
        f"{one.span.file}:{one.span.line}:{one.span.column}: {one.severity}[{one.code}] {one.message}"
        for one in diagnostics
    )


class _Pens:
    """Draws with or without colour, within a width."""

    def __init__(self, texts: Mapping[str, str], width: int, colour: bool) -> None:  # noqa: FBT001  as `render`
        self.lines = {path: text.split("\n") for path, text in texts.items()}
        self.width = width
        self.colour = colour

    def paint(self, text: str, *styles: str) -> str:
        """Colour a text, if colours are wanted."""
        if not self.colour or not text:
            return text
        codes = ";".join(_COLOURS[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def finding(self, one: Diagnostic) -> str:
        """Draw one finding."""
        mark = self.paint(f"{one.severity}[{one.code}]", one.severity.value, "strong")
        head = self._folded(f"{one.severity}[{one.code}]: {one.message}", "    ")
        rows = [head.replace(f"{one.severity}[{one.code}]", mark, 1)]
        places = [
            (one.span, one.label, one.severity.value),
            *((at.span, at.text, "frame") for at in one.labels),
        ]
        gutter = max(len(str(span.line)) for span, _, _ in places)
        rows += self._places(places, gutter)
        for word, text in (("help", one.help), ("note", one.note), ("fix", one.fix.about if one.fix else "")):
            if text and not (word == "fix" and one.help):
                rows.append(self._said(word, text, gutter))
        return "\n".join(rows)

    def _places(self, places: list[tuple[Span, str, str]], gutter: int) -> list[str]:
        rows: list[str] = []
        file = None
        for span, label, style in places:
            if span.file != file:
                arrow = "-->" if file is None else ":::"
                frame = self.paint(" " * gutter + arrow, "frame")
                rows.append(f"{frame} {span.file}:{span.line}:{span.column}")
                file = span.file
            rows += self._source(span, label, style, gutter)
        return rows

    def _source(self, span: Span, label: str, style: str, gutter: int) -> list[str]:
        lines = self.lines.get(span.file, [])
        if not 0 < span.line <= len(lines):
            return [f"{' ' * gutter}   {label}"] if label else []
        source = PASSWORD.sub(_starred, lines[span.line - 1].rstrip("\r"))
        start = span.column - 1
        end = span.end_column - 1 if span.end_line == span.line else len(source.rstrip())
        shown, before, marked = self._window(source, start, max(end, start + 1), gutter)
        bar = self.paint("|", "frame")
        number = self.paint(str(span.line).rjust(gutter), "frame")
        pointer = self.paint("^" * marked, style, "strong")
        blank = " " * gutter
        return [
            f"{blank} {bar}",
            f"{number} {bar} {shown}".rstrip(),
            *self._under(
                f"{blank} {bar} {' ' * before}{pointer}",
                before + marked + gutter + 3,
                label,
                style,
                blank,
                bar,
            ),
        ]

    def _under(  # noqa: PLR0917  the parts of one row
        self, row: str, used: int, label: str, style: str, blank: str, bar: str
    ) -> list[str]:
        if not label:
            return [row]
        if used + 1 + _cells(label) <= self.width:
            return [f"{row} {self.paint(label, style)}"]
        room = self.width - len(blank) - 3
        return [row, *(f"{blank} {bar} {self.paint(part, style)}" for part in wrap(label, room))]

    def _window(self, source: str, start: int, end: int, gutter: int) -> tuple[str, int, int]:
        """The part of a line that fits, the cells before the marked stretch, and its cells."""
        room = self.width - gutter - 3
        first = 0
        if _cells(source[:end]) > room:
            first = max(0, start - room // 3)
        lead = "..." if first else ""
        before, marked = _cells(source[first:start]) + len(lead), _cells(source[start:end]) or 1
        shown = _clipped(lead + _flat(source[first:]), room)
        return shown, before, max(1, min(marked, room - before))

    def _said(self, word: str, text: str, gutter: int) -> str:
        lead = f"{' ' * gutter} {self.paint('=', 'frame')} {self.paint(word, 'help', 'strong')}: "
        indent = " " * (gutter + 3 + len(word) + 2)
        rows = [row for line in text.split("\n") for row in (self._parts(line, len(indent)) or [""])]
        return lead + f"\n{indent}".join(rows)

    def _parts(self, line: str, indent: int) -> list[str]:
        if line.startswith((" ", "{")) or _cells(line) + indent <= self.width:
            return [line]
        return wrap(line, max(20, self.width - indent), break_long_words=False, break_on_hyphens=False)

    def _folded(self, line: str, indent: str) -> str:
        return f"\n{indent}".join(
            wrap(line, self.width - len(indent), break_long_words=False, break_on_hyphens=False)
        )


def _flat(text: str) -> str:
    """Tabs as blanks; what would move the cursor as `?`."""
    return "".join(" " * TAB if char == "\t" else char if char.isprintable() else "?" for char in text)


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if char == "\t":
        return TAB
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _clipped(text: str, room: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _cell(char)
        if used > room:
            return text[: max(0, index - 3)] + "..."
    return text
