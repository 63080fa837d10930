"""For people: each finding with its lines of source, carets, reason and way out."""

from dataclasses import replace

from kzrules.cli.report import Report
from kzrules.cli.terminal import GREEN, RED, YELLOW, Terminal
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.render import render


def write(report: Report, terminal: Terminal) -> str:
    """The findings, those that `--fix` mends with a mark, then the summary line."""
    text = drawn(replace(report, findings=tuple(map(_marked, report.findings))), terminal)
    return f"{text}\n{summary(report, terminal)}" if text else summary(report, terminal)


def _marked(finding: Diagnostic) -> Diagnostic:
    if finding.fix is None or not finding.fix.safe:
        return finding
    first, *more = (finding.help or finding.fix.about).split("\n")
    return replace(finding, help="\n".join([f"{first}  [--fix]", *more]))


def drawn(report: Report, terminal: Terminal) -> str:
    """Findings as `language.findings.render` draws them."""
    text = render(list(report.findings), report.texts, terminal.width, terminal.colour)
    return f"{text.rstrip()}\n" if text.strip() else ""


def summary(report: Report, terminal: Terminal) -> str:
    """The last line: green, yellow or red."""
    colour = RED if report.failed else YELLOW if report.findings else GREEN
    return terminal.paint(report.summary(), colour) + "\n"
