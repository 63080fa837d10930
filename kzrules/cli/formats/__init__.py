"""The report in the forms that people, editors and build servers read: one form a file."""

from importlib import import_module
from typing import cast

from kzrules.cli.report import Report
from kzrules.cli.terminal import Terminal

FORMATS = ("full", "concise", "json", "jsonl", "github", "gitlab", "sarif", "junit")

FOR_PEOPLE = frozenset({"full", "concise"})
"""These end in the summary line; with the others it goes to standard error."""


def write(format_name: str, report: Report, terminal: Terminal) -> str:
    """The report in one format. Only that format's file is imported."""
    module = import_module(f"kzrules.cli.formats.{format_name}")
    return cast("str", module.write(report, terminal))
