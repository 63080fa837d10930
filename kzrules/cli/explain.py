"""`kzrules explain KZnnn`: the page of a finding's code."""

import sys
from textwrap import fill

import click

from kzrules.cli.terminal import BOLD, DIM, RED, YELLOW, Terminal, Wish, colour_option
from kzrules.language.findings.codes import CODES, Code
from kzrules.language.findings.diagnostic import Severity
from kzrules.language.findings.nearest import did_you_mean


def _complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [code for code in sorted(CODES) if code.startswith(begun.upper())]


@click.command()
@click.argument("code", required=False, shell_complete=_complete)
@colour_option
def command(code: str | None, color: Wish) -> None:
    """Tell what a finding's CODE means, and how to mend it. Without CODE: list them all."""
    terminal = Terminal.of(sys.stdout, color)
    if code is None:
        for known in sorted(CODES.values(), key=lambda one: one.code):
            terminal.say(f"{_painted(known, terminal)}  {known.name}")
        return
    terminal.say(page(_find(code), terminal))


def _find(asked: str) -> Code:
    wanted = asked.strip("[]").upper()
    wanted = wanted if wanted.startswith("KZ") else f"KZ{wanted}"
    if wanted in CODES:
        return CODES[wanted]
    hint = did_you_mean(wanted, CODES, "`kzrules explain` lists them all")
    raise click.UsageError(f"there is no code {asked}; {hint}")


def page(code: Code, terminal: Terminal) -> str:
    """What it means, how it looks, how it is mended, how it is silenced."""
    title = f"{_painted(code, terminal)}  {terminal.paint(code.name, BOLD)}  ({code.severity})"
    parts = [title, *(_filled(part, terminal.width) for part in code.about.strip().split("\n\n"))]
    for heading, example in (("Wrong", code.wrong), ("Right", code.right)):
        if example:
            parts.append(f"{terminal.paint(heading, BOLD)}\n\n{_indented(example)}")
    if code.silence:
        parts.append(terminal.paint(_filled(code.silence.strip(), terminal.width), DIM))
    return "\n\n".join(parts)


def _filled(paragraph: str, width: int) -> str:
    """Prose in the terminal's width; lists and code stay as they are."""
    if paragraph.startswith(("-", "*", "|", " ", "`" * 3)):
        return paragraph
    return fill(" ".join(paragraph.split()), min(width, 100), break_on_hyphens=False, break_long_words=False)


def _painted(code: Code, terminal: Terminal) -> str:
    return terminal.paint(code.code, RED if code.severity is Severity.ERROR else YELLOW, BOLD)


def _indented(example: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in example.strip("\n").split("\n"))
