"""What `check` found, as every format reads it: findings, texts, and the files that were looked at."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kzrules.cli.terminal import counted
from kzrules.language.findings.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class Report:
    """Findings in the order of their places; `deny_warnings` makes every finding a failure."""

    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    files: tuple[str, ...]
    deny_warnings: bool = False

    @property
    def errors(self) -> int:
        """How many errors."""
        return sum(finding.is_error for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many warnings."""
        return len(self.findings) - self.errors

    @property
    def failed(self) -> bool:
        """True: the verb ends with status 1."""
        return bool(self.findings) if self.deny_warnings else self.errors > 0

    def fails(self, finding: Diagnostic) -> bool:
        """True: this finding is why the verb ends with status 1."""
        return self.deny_warnings or finding.is_error

    def summary(self) -> str:
        """`2 errors and 1 warning in 1 of 14 files`, and what `--fix` would mend."""
        looked_at = counted(len(self.files), "file")
        if not self.findings:
            return f"{looked_at} checked, nothing to complain about"
        parts = [
            counted(number, word)
            for number, word in ((self.errors, "error"), (self.warnings, "warning"))
            if number
        ]
        touched = len({finding.span.file for finding in self.findings})
        where = f"{touched} of {looked_at}" if touched <= len(self.files) else counted(touched, "file")
        fixable = sum(finding.fix is not None and finding.fix.safe for finding in self.findings)
        mend = f"; --fix mends {fixable}" if fixable else ""
        return f"{' and '.join(parts)} in {where}{mend}"


def shown(path: str) -> str:
    """A path as people and annotations want it: relative to here where it lies below, with slashes."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return Path(path).as_posix()
    return Path(path if relative.startswith("..") else relative).as_posix()
