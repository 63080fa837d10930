"""`kzrules fmt`: one canonical form for every rule file; comments stay where they stand."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from os.path import realpath
from pathlib import Path

import click

from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.edits import save, unified
from kzrules.cli.examine import existing
from kzrules.cli.formats.full import drawn
from kzrules.cli.known import places
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import BOLD, GREEN, RED, YELLOW, Terminal, Wish, colour_option, counted
from kzrules.language import cache
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.format import format_file
from kzrules.language.parse import parse
from kzrules.language.places import content, programs
from kzrules.language.source import read_program
from kzrules.language.tree import RuleFile

STANDARD_INPUT = "-"

FORM = "form"
"""Of the cache: texts that are in form and without mistakes. There is nothing in an entry but its name."""


@dataclass(slots=True)
class Tally:
    """What became of the files."""

    same: int = 0
    changed: list[str] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False, allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Show what would change; write nothing; exit status as --check.")
@colour_option
def command(paths: tuple[str, ...], *, check: bool, diff: bool, color: Wish) -> int:
    """Bring rule files into their one canonical form.

    PATHS are rule files (.kzr) and folders of them; `-` formats standard input. Comments stay where
    they stand, and what the rules mean does not change. A file with mistakes in its syntax is left
    as it is, with the finding: exit status 1.
    """
    terminal = Terminal.of(sys.stdout, color)
    if paths == (STANDARD_INPUT,):
        return _stream(terminal, check=check, diff=diff)
    tally = Tally()
    places = [Path(realpath(path)) for path in existing(paths)]
    for group in programs(paths):
        if in_form := _all_in_form(group):
            tally.same += in_form
            continue
        sources = read_program(group)
        own = [file for file in sources.files if _named(file.path, places)]
        tally.texts |= sources.texts
        tally.findings += [one for one in sources.findings if one.is_error and _named(one.span.file, places)]
        for file in own:
            _file(file, sources.texts[file.path], tally, terminal, write=not (check or diff), show=diff)
    return _told(tally, terminal, only_checked=check or diff)


def _all_in_form(group: Sequence[str]) -> int:
    """How many files the program has, if each is known to be in form; else 0."""
    paths = [Path(path) for path, _ in places(group)]
    try:
        return len(paths) if all(_in_form(content(path)) for path in paths) else 0
    except OSError:
        return 0  # reading it again says why


def _in_form(raw: bytes) -> bool:
    return cache.read(FORM, cache.key_of(raw)) is not None


def _named(path: str, places: Sequence[Path]) -> bool:
    """True: the command line names the file or a folder above it; not one that is only used."""
    file = Path(realpath(path))
    return any(file.is_relative_to(place) for place in places)


def _file(file: RuleFile, text: str, tally: Tally, terminal: Terminal, *, write: bool, show: bool) -> None:
    if any(finding.span.file == file.path for finding in tally.findings):
        return
    formatted = format_file(file)
    if formatted == text:
        tally.same += 1
        cache.write(FORM, cache.key_of(text), b"")
        return
    tally.changed.append(file.path)
    if write:
        save(file.path, formatted)
    if show:
        terminal.stream.write(unified(file.path, text, formatted, terminal))


def _stream(terminal: Terminal, *, check: bool, diff: bool) -> int:
    """Standard input to standard output."""
    text = sys.stdin.read()
    tree, findings = parse(text, "<stdin>")
    mistakes = tuple(finding for finding in findings if finding.is_error)
    if mistakes:
        sys.stderr.write(drawn(Report(mistakes, {"<stdin>": text}, ()), Terminal.of(sys.stderr)))
        return FOUND
    formatted = format_file(tree)
    if diff:
        terminal.stream.write(unified("stdin", text, formatted, terminal))
    elif not check:
        terminal.stream.write(formatted)
    return FOUND if (check or diff) and formatted != text else CLEAN


def _told(tally: Tally, terminal: Terminal, *, only_checked: bool) -> int:
    note = Terminal.of(sys.stderr)
    note.stream.write(_drawn(tally, note))
    for path in tally.changed if only_checked else ():
        note.say(f"{note.paint('would format', YELLOW)} {note.paint(shown(path), BOLD)}")
    changed = (
        f"{len(tally.changed):,} {'to format' if only_checked else 'formatted'}" if tally.changed else ""
    )
    broken = len({finding.span.file for finding in tally.findings})
    mistakes = f"{counted(broken, 'file')} with mistakes left alone" if broken else ""
    same = f"{counted(tally.same, 'file')} in form" if tally.same else ""
    failed = bool(tally.findings) or (only_checked and bool(tally.changed))
    line = ", ".join(part for part in (changed, same, mistakes) if part)
    note.say(note.paint(line, RED if failed else GREEN))
    terminal.stream.flush()
    return FOUND if failed else CLEAN


def _drawn(tally: Tally, terminal: Terminal) -> str:
    if not tally.findings:
        return ""
    return drawn(Report(tuple(tally.findings), tally.texts, ()), terminal) + "\n"
