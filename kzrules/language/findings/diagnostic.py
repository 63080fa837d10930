"""Findings as data: what is wrong, where, why, and the way out. Rendering is `language.findings.render`."""

from dataclasses import dataclass, field
from enum import StrEnum

from kzrules.language.span import Span


class Severity(StrEnum):
    """An error keeps the service from starting; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A further place with a word on it: `already taken by this route`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of what stands in `span`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that takes the finding away; `safe`: the rules mean what their author meant, so
    `--fix` may apply it.
    """

    about: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message` is a sentence without a full stop. `help` says the way out. `note` holds further
    lines, such as the payload that shows an unreachable route (`witness`).
    """

    code: str
    severity: Severity
    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    help: str = ""
    note: str = ""
    fix: Fix | None = None

    @property
    def is_error(self) -> bool:
        """Whether it keeps the service from starting."""
        return self.severity is Severity.ERROR


@dataclass(slots=True)
class Findings:
    """Where a pass puts what it finds. Sorted by place when read."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, finding: Diagnostic) -> None:
        """Keep a finding, once: the same code at the same place is one finding."""
        if not any(old.code == finding.code and old.span == finding.span for old in self.found):
            self.found.append(finding)

    def sorted(self) -> list[Diagnostic]:
        """All findings, by file, line and column."""
        return sorted(self.found, key=lambda f: (f.span.file, f.span.line, f.span.column, f.code))
