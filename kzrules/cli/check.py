"""`kzrules check`: every finding in rule files, in the form that the reader wants."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.examine import examine, existing
from kzrules.cli.formats import FOR_PEOPLE, FORMATS, write
from kzrules.cli.report import Report
from kzrules.cli.terminal import CYAN, Terminal, Wish, colour_option, counted
from kzrules.errors import SettingError

ROUNDS = 10
"""A fix may uncover the next; more rounds than these would be two fixes that undo each other."""


def _outputs(
    _context: click.Context, _parameter: click.Parameter, given: Sequence[str]
) -> list[tuple[str, str]]:
    """`--output FORMAT:FILE`, each."""
    split = [value.partition(":") for value in given]
    for name, _, file in split:
        if name not in FORMATS or not file:
            raise click.BadParameter(f"write FORMAT:FILE, with one of {', '.join(FORMATS)}")
    return [(name, file) for name, _, file in split]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="full",
    show_default=True,
    help="How the findings are written to standard output.",
)
@click.option(
    "--output",
    "outputs",
    metavar="FORMAT:FILE",
    multiple=True,
    callback=_outputs,
    help="Write them to a file as well. Repeatable.",
)
@click.option("--deny-warnings", is_flag=True, help="Warnings, too, make the exit status 1.")
@click.option(
    "--since",
    metavar="GIT_REF",
    help="Check everything; report what lies on lines changed since GIT_REF or was broken by them.",
)
@click.option("--fix", is_flag=True, help="Apply the fixes that are safe, then report what is left.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing.")
@colour_option
def command(
    paths: tuple[str, ...],
    *,
    format_name: str,
    outputs: list[tuple[str, str]],
    deny_warnings: bool,
    since: str | None,
    fix: bool,
    diff: bool,
    color: Wish,
) -> int:
    """Say what is wrong in rule files, before the service does.

    PATHS are rule files (.kzr) and folders of them; under rules/ each topic folder is a program of
    its own. Needs no broker, no network, no secrets. Exit status: 0 without errors, 1 with errors
    (or warnings under --deny-warnings), 2 for wrong usage.
    """
    terminal = Terminal.of(sys.stdout, color)
    report = examine(existing(paths), deny_warnings=deny_warnings)
    if since:
        report = _since(report, since, paths)
    if diff:
        return _show_fixes(report, terminal)
    if fix:
        report = _mend(report, paths, since)
    _publish(report, format_name, outputs, terminal)
    return FOUND if report.failed else CLEAN


def _since(report: Report, reference: str, paths: tuple[str, ...]) -> Report:
    from kzrules.cli.since import narrowed  # noqa: PLC0415  git is not needed otherwise

    return narrowed(report, reference, paths)


def _publish(report: Report, name: str, outputs: list[tuple[str, str]], terminal: Terminal) -> None:
    for other, file in outputs:
        store(Path(file), write(other, report, Terminal(sys.stdout, 100, colour=False)))
    terminal.stream.write(write(name, report, terminal))
    if name not in FOR_PEOPLE:
        click.echo(report.summary(), err=True)


def store(file: Path, text: str) -> None:
    """Write a report, and the folders above it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as why:
        raise SettingError(f"cannot write {file}: {why.strerror}") from None


def _mend(report: Report, paths: tuple[str, ...], since: str | None) -> Report:
    """Apply fixes until there are none left to apply."""
    from kzrules.cli.edits import apply, as_stored, save  # noqa: PLC0415  only where something is mended

    mended = 0
    files: set[str] = set()
    for _ in range(ROUNDS):
        changed, applied = apply(report.findings, report.texts)
        if not applied:
            break
        for path, text in changed.items():
            save(path, as_stored(path, text))
        mended, files = mended + applied, files | changed.keys()
        report = examine(paths, deny_warnings=report.deny_warnings)
        report = _since(report, since, paths) if since else report
    if mended:
        click.echo(f"mended {counted(mended, 'finding')} in {counted(len(files), 'file')}", err=True)
    return report


def _show_fixes(report: Report, terminal: Terminal) -> int:
    from kzrules.cli.edits import apply, unified  # noqa: PLC0415  as above

    changed, applied = apply(report.findings, report.texts)
    for path, text in sorted(changed.items()):
        terminal.stream.write(unified(path, report.texts[path], text, terminal))
    say = f"--fix would mend {counted(applied, 'finding')}" if applied else "nothing that --fix could mend"
    note = Terminal.of(sys.stderr)
    note.say(f"{note.paint(say, CYAN)}; {report.summary()}")
    return FOUND if report.failed else CLEAN
