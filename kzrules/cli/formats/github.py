"""Workflow commands of GitHub: each finding becomes an annotation beside the changed line.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from kzrules.cli.formats.json import way_out
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic


def write(report: Report, _: Terminal) -> str:
    """A command a finding."""
    return "".join(_command(finding) for finding in report.findings)


def _command(finding: Diagnostic) -> str:
    span = finding.span
    properties: dict[str, str | int] = {
        "title": f"kzrules {finding.code}",
        "file": shown(span.file),
        "line": span.line,
        "endLine": span.end_line,
    }
    if span.line == span.end_line:  # columns of a stretch of several lines are refused
        properties |= {"col": span.column, "endColumn": max(span.column, span.end_column - 1)}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = "\n".join(part for part in (finding.message, finding.label, way_out(finding)) if part)
    return f"::{finding.severity} {listed}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str | int) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
