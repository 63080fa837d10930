"""For people: each finding with its lines of source, carets, reason and way out."""

from kzrules.cli.report import Report
from kzrules.cli.terminal import GREEN, RED, YELLOW, Terminal
from kzrules.language.render import render


def write(report: Report, terminal: Terminal) -> str:
    """The findings, then the summary line."""
    text = drawn(report, terminal)
    return f"{text}\n{summary(report, terminal)}" if text else summary(report, terminal)


def drawn(report: Report, terminal: Terminal) -> str:
    """Findings as `language.render` draws them."""
    text = render(list(report.findings), report.texts, terminal.width, terminal.colour)
    return f"{text.rstrip()}\n" if text.strip() else ""


def summary(report: Report, terminal: Terminal) -> str:
    """The last line: green, yellow or red."""
    colour = RED if report.failed else YELLOW if report.findings else GREEN
    return terminal.paint(report.summary(), colour) + "\n"
