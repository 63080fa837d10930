"""A finding with the severity of its code's page. The parser and the loader of files make theirs here."""

from typing import Any

from kzrules.language.findings.codes import CODES
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.tree import Span


def finding(code: str, message: str, span: Span, **more: Any) -> Diagnostic:
    """Make a finding; `more` are further fields of `Diagnostic`."""
    return Diagnostic(code=code, severity=CODES[code].severity, message=message, span=span, **more)


class Few(list[Diagnostic]):
    """The findings of one file, the first ones only: what is no rule file at all has one in each word,
    and nobody reads thousands.
    """

    MOST = 200

    def append(self, one: Diagnostic) -> None:
        """Keep one, unless there are enough."""
        if not self.full:
            super().append(one)

    @property
    def full(self) -> bool:
        """Whether there are enough."""
        return len(self) >= self.MOST
