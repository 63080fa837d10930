"""A failed test on a terminal: what was expected beside what came, and the conditions on the way."""

from collections.abc import Mapping, Sequence
from textwrap import fill

from kzrules.cli.report import shown as path_shown
from kzrules.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, Terminal, visible, wrapped
from kzrules.routing.compare import Row
from kzrules.routing.expect import Mismatch
from kzrules.routing.journal import Line, brief
from kzrules.routing.trial import Verdict

MOST_LINES = 12


def failure(verdict: Verdict, texts: Mapping[str, str], terminal: Terminal) -> str:
    """The test's name, each mismatch, and the trace of the rule."""
    span = verdict.test.span
    place = f"{path_shown(span.file)}:{span.line}"
    name = f'"{visible(verdict.test.name)}"'
    beside = "  " if len(name) + len(place) + 4 <= terminal.width else "\n  "
    title = terminal.paint(fill(name, terminal.width, initial_indent="  ", subsequent_indent="  "), BOLD)
    lines = [f"{title}{beside}{terminal.paint(place, DIM)}"]
    for mismatch in verdict.mismatches:
        lines += ["", *_mismatch(mismatch, texts, terminal)]
    if verdict.lines:
        lines += ["", f"  {terminal.paint('trace', CYAN)}", *trace(verdict.lines, terminal, "    ")]
    return "\n".join(lines) + "\n"


def _mismatch(mismatch: Mismatch, texts: Mapping[str, str], terminal: Terminal) -> list[str]:
    span = mismatch.span
    source = texts.get(span.file, "").split("\n")
    line = source[span.line - 1].strip() if span.line <= len(source) else ""
    lines = [f"  {span.line:>4} {terminal.paint('|', CYAN)} {_cut(line, terminal.width - 9)}"]
    message = wrapped(visible(mismatch.message), terminal.width - 9, "       ")
    lines.append(f"       {terminal.paint(message, RED)}")
    if mismatch.rows:
        lines += beside(mismatch.rows, terminal)
    lines += [f"         {_cut(visible(note), terminal.width - 10)}" for note in mismatch.notes]
    return lines


def beside(rows: Sequence[Row], terminal: Terminal) -> list[str]:
    """Both sides; `!` marks the rows that differ."""
    room = (terminal.width - 9) // 2
    longest = max((len(row.expected) for row in rows), default=0)
    left = max(len("expected"), min(longest, room))
    right = terminal.width - left - 9
    lines = [f"       {terminal.paint('expected'.ljust(left), DIM)}  {terminal.paint('actual', DIM)}"]
    for row in rows:
        one, other = f"{_cut(visible(row.expected), left):<{left}}", _cut(visible(row.actual), right)
        if row.same:
            lines.append(f"       {one}  {other}".rstrip())
        else:
            mark = terminal.paint("!", RED, BOLD)
            lines.append(f"     {mark} {terminal.paint(one, GREEN)}  {terminal.paint(other, RED)}".rstrip())
    return lines


def trace(lines: Sequence[Line], terminal: Terminal, pad: str) -> list[str]:
    """Each condition with its value, and the values of what it reads."""
    shown = []
    for line in lines[:MOST_LINES]:
        place = f"{path_shown(line.file)}:{line.line}"
        value = brief(line.value)
        colour = GREEN if line.value is True else RED if line.value in (False, None) else CYAN
        source = _cut(
            f"{line.what} {line.source}", max(20, terminal.width - len(pad) - len(place) - len(value) - 4)
        )
        shown.append(f"{pad}{terminal.paint(place, DIM)}  {source}  {terminal.paint(value, colour)}")
        shown += [_cut(f"{pad}    {name} is {came}", terminal.width) for name, came in line.reads]
    if len(lines) > MOST_LINES:
        shown.append(f"{pad}... {len(lines) - MOST_LINES} conditions more")
    return shown


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 3, 1)]}..."
