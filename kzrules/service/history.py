"""Which rules run, which ran before, and what came of loading others. Kept by `reload`."""

from dataclasses import dataclass, field

from kzrules.language.diagnostic import Diagnostic
from kzrules.operate.status import Refused, Reloads
from kzrules.routing.book import Book


@dataclass(frozen=True, slots=True)
class Loading:
    """Rules that run or ran; `since` when, in Unix seconds."""

    book: Book
    findings: tuple[Diagnostic, ...]
    since: float


@dataclass(slots=True)
class History:
    """What came before the rules of now."""

    previous: Loading | None = None
    """What a rollback goes back to."""
    refused: Refused | None = None
    """Why the last reload changed nothing; None where it did what it should."""
    reloads: Reloads = field(default_factory=Reloads)
