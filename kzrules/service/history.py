"""Which rules run, which ran before, and what came of loading others. Kept by `reload`."""

from dataclasses import dataclass, field

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.schema import path_of
from kzrules.language.tree import EventRoute
from kzrules.operate.status import Finding, Refused, Reloads
from kzrules.routing.book import Book
from kzrules.routing.load import Loaded


@dataclass(frozen=True, slots=True)
class Loading:
    """Rules that run or ran. `since`: when they began to, in Unix seconds; 0 while they have not."""

    book: Book
    findings: tuple[Finding, ...]
    files: frozenset[str]
    """What they were read from: rule files and schemas."""
    after_names: frozenset[str]
    """The names of their `after` blocks."""
    since: float = 0.0


@dataclass(slots=True)
class History:
    """What came before the rules of now."""

    previous: Loading | None = None
    """What a rollback goes back to."""
    refused: Refused | None = None
    """Why the last reload changed nothing; None where it did what it should."""
    reloads: Reloads = field(default_factory=Reloads)


def loading(loaded: Loaded) -> Loading | None:
    """What is kept of rules that were loaded; None where they have errors."""
    if loaded.book is None:
        return None
    schemas = {
        str(path_of(file.path, item.schema))
        for file in loaded.sources.outlines
        for item in file.declarations
        if isinstance(item, EventRoute) and item.schema is not None
    }
    return Loading(
        loaded.book,
        found(loaded.findings),
        frozenset(loaded.texts) | schemas,
        loaded.after_names,
    )


def found(findings: tuple[Diagnostic, ...]) -> tuple[Finding, ...]:
    """Findings as an operator reads them."""
    return tuple(
        Finding(
            one.code, str(one.severity), one.message, f"{one.span.file}:{one.span.line}:{one.span.column}"
        )
        for one in findings
    )
