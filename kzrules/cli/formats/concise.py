"""One line a finding, `path:line:column: error KZ203: message`, as editors and grep like it."""

from kzrules.cli.formats.full import summary
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import BOLD, CYAN, RED, YELLOW, Terminal, visible
from kzrules.language.findings.diagnostic import Diagnostic


def write(report: Report, terminal: Terminal) -> str:
    """A line each, then the summary line."""
    lines = [_line(finding, terminal) for finding in report.findings]
    return "".join(f"{line}\n" for line in lines) + summary(report, terminal)


def _line(finding: Diagnostic, terminal: Terminal) -> str:
    span = finding.span
    place = terminal.paint(f"{shown(span.file)}:{span.line}:{span.column}", BOLD)
    severity = terminal.paint(f"{finding.severity} {finding.code}", RED if finding.is_error else YELLOW)
    mark = terminal.paint(" [--fix]", CYAN) if finding.fix and finding.fix.safe else ""
    return f"{place}: {severity}: {visible(finding.message)}{mark}"
