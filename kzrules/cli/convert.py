"""`kzrules convert`: rule files out of a Kamailio configuration, and a summary of what is left to do."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from kzrules.cli.command import CLEAN
from kzrules.cli.report import shown
from kzrules.cli.terminal import BOLD, GREEN, YELLOW, Terminal, Wish, colour_option, visible
from kzrules.convert.convert import DIALECTS, convert
from kzrules.convert.summary import report


def _definitions(
    _context: click.Context, _parameter: click.Parameter, given: Sequence[str]
) -> dict[str, str]:
    """`--define NAME`, `--define NAME=VALUE`, each."""
    made: dict[str, str] = {}
    for one in given:
        name, _, value = one.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise click.BadParameter(f"write NAME or NAME=VALUE, not {one!r}")
        made[name] = value
    return made


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), required=True,
    help="The folder for the rule files.",
)  # fmt: skip
@click.option(
    "-A", "--define", "definitions", metavar="NAME[=VALUE]", multiple=True, callback=_definitions,
    help="A definition, as `kamailio -A` takes it. Repeatable.",
)  # fmt: skip
@click.option(
    "--dialect", type=click.Choice(DIALECTS), default="auto", show_default=True,
    help="The stock module's, or 2600hz's own, where a dot in a name is a hyphen.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over rule files that are there.")
@colour_option
def command(
    path: Path, *, folder: Path, definitions: Mapping[str, str], dialect: str, force: bool, color: Wish
) -> int:
    """Translate what a Kamailio configuration does by its kazoo module into rule files.

    PATH is a kamailio.cfg; what it includes is read too. What has no counterpart is marked in the
    rules, with the line that it comes from, and counted at the end.
    """
    if not path.is_file():
        raise click.UsageError(f"no such file: {shown(str(path))}")
    made = convert(path, definitions, dialect)
    targets = [(folder / name, text) for name, text in made.files.items()]
    _write(folder, targets, force=force)
    terminal = Terminal.of(sys.stdout, color)
    for target, _ in targets:
        terminal.say(f"{terminal.paint('wrote', GREEN)} {terminal.paint(shown(str(target)), BOLD)}")
    for line in report(made.summary, [shown(str(target)) for target, _ in targets]):
        marked = re.match(r"\d+ gaps?, each", line)
        terminal.say(terminal.paint(visible(line), YELLOW) if marked else visible(line))
    return CLEAN


def _write(folder: Path, targets: Sequence[tuple[Path, str]], *, force: bool) -> None:
    """All of them, or none: nothing that is there is written over unless asked for."""
    there = [shown(str(target)) for target, _ in targets if target.exists()]
    if there and not force:
        raise click.UsageError(f"{', '.join(there)}: there already; name another folder, or say --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, text in targets:
            target.write_text(text, encoding="utf-8", errors="replace")
    except OSError as why:
        raise click.UsageError(f"cannot write {shown(str(why.filename or folder))}: {why.strerror}") from None
