"""What every part of the walk over a body has in hand: the program's names, the scope, the findings."""

import re
from collections.abc import Mapping

from kzrules.language.checking.names import Effects, Names
from kzrules.language.checking.scope import Scope, Variable
from kzrules.language.findings.diagnostic import Findings, Label
from kzrules.language.tree import Expr
from kzrules.language.types import Info, Known


class Base:
    """One walk over one body. `torn`: texts of files with syntax errors, whose names may be lost."""

    def __init__(
        self, names: Names, scope: Scope, effects: Effects, tables: Mapping[str, Known], torn: str
    ) -> None:
        self.names = names
        self.scope = scope
        self.effects = effects
        self.tables = tables
        self.torn = torn
        self.findings: Findings = names.findings
        self.only_looks = False
        """In a condition or a key: nothing may happen there."""
        self.next_line: Expr | None = None
        """The value of a `let` whose own line ends in `=`: most likely the next statement."""

    def infer(self, expr: Expr) -> Info:
        """Check an expression, and tell what is known of it."""
        raise TypeError(f"no walk for {type(expr).__name__}")

    def table_kinds(self, name: str) -> Known:
        """The kinds that an entry of a table can have."""
        return self.tables.get(name)

    def maybe_declared(self, name: str) -> bool:
        """A file that could not be read whole may have set this name, behind a word that sets one."""
        word = rf"{re.escape(name)}\b"
        sets = (
            rf"\b(?:let|table|setting|subscribe|route|for|as)\s+{word}"
            rf"|\b(?:route|on|else)\b[^\n{{(]*\([^)\n]*\b{word}"
            rf"|\bfor\s+\w+\s*,\s*{word}|\blet\b[^=\n]*,\s*{word}"
        )
        return bool(self.torn) and re.search(sets, self.torn) is not None

    def out_of_sight(self, variable: Variable) -> tuple[Label, ...]:
        """The place of a variable whose block has ended."""
        return (Label(variable.span, "set here"),)
