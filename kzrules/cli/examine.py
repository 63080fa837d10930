"""Read and check what a command line names, as the service does at its start: program by program."""

from collections.abc import Sequence
from pathlib import Path

import click

from kzrules.cli.known import Checked, recall
from kzrules.cli.report import Report, shown
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.places import programs


def examine(paths: Sequence[str], *, deny_warnings: bool = False) -> Report:
    """Every finding of every program; a file that two programs use is told of once."""
    found: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for group in programs(paths):
        findings, read = recall(group) or _anew(group)
        texts |= read
        found += findings
    if not texts and not found:
        raise click.UsageError(nothing(paths))
    findings = tuple(_each_once(found))
    files = tuple(sorted({*texts, *(finding.span.file for finding in findings)}))
    return Report(findings, texts, files, deny_warnings)


def _anew(group: Sequence[str]) -> Checked:
    from kzrules.cli.checked import checked  # noqa: PLC0415  parser, checker and words: most of a short life

    sources, findings = checked(group)
    return findings, sources.texts


def _each_once(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """In the order of their places."""
    once = {(one.span.file, one.span.line, one.span.column, one.code, one.message): one for one in found}
    return [once[key] for key in sorted(once)]


def existing(paths: Sequence[str]) -> tuple[str, ...]:
    """The paths as given; one that is not there is a wrong usage, said before any work."""
    missing = [shown(path) for path in paths if not Path(path).exists() and not Path(path).is_symlink()]
    if missing:
        raise click.UsageError(f"no such file or folder: {', '.join(missing)}")
    return tuple(paths)


def nothing(paths: Sequence[str]) -> str:
    """The sentence for folders without rules."""
    return f"no rule file (*.kzr) in {', '.join(shown(path) for path in paths)}"
