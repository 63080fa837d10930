"""Findings of the checker in one line each: every pass makes its errors and warnings here."""

from kzrules.language.findings.diagnostic import Diagnostic, Fix, Label, Severity
from kzrules.language.tree import Span


def error(
    code: str,
    message: str,
    span: Span,
    *,
    label: str = "",
    labels: tuple[Label, ...] = (),
    help: str = "",  # noqa: A002  the field of a finding is called so
    note: str = "",
    fix: Fix | None = None,
) -> Diagnostic:
    """What cannot run, or can lose a message."""
    return Diagnostic(code, Severity.ERROR, message, span, label, labels, help, note, fix)


def warning(
    code: str,
    message: str,
    span: Span,
    *,
    label: str = "",
    labels: tuple[Label, ...] = (),
    help: str = "",  # noqa: A002  the field of a finding is called so
    note: str = "",
    fix: Fix | None = None,
) -> Diagnostic:
    """Everything else that a person should look at."""
    return Diagnostic(code, Severity.WARNING, message, span, label, labels, help, note, fix)
