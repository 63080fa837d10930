"""Text becomes a tree, and everything that is wrong with it becomes findings. Nothing is raised.

A file is cut into declarations first. Each is walked on its own; where a token does not fit, it is
mended or the statement is left out, and the walk goes on with the next one.
"""

import gc
from typing import Any

from kzrules.language import tree as t
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import Few, finding
from kzrules.language.parsing.brackets import fit, mended
from kzrules.language.parsing.build import Builder
from kzrules.language.parsing.lalr import Walk
from kzrules.language.parsing.lexer import Tokens, lex
from kzrules.language.parsing.split import deep, pieces
from kzrules.language.parsing.texts import Texts
from kzrules.language.parsing.trivia import attach, silences
from kzrules.language.slips.fingers import needed, translated
from kzrules.language.slips.recover import walk_through
from kzrules.language.tree import Span

DEEPEST_TREE = 200
"""How many nodes may lie in each other: what reads trees does so by recursion."""


def parse(text: str, path: str) -> tuple[t.RuleFile, list[Diagnostic]]:
    """Read one file: its tree, without what could not be read, and the findings about that."""
    was_on = gc.isenabled()
    gc.disable()  # many nodes that all stay: looking for garbage among them takes a third of the time
    try:
        return _File(text, path).parsed()
    finally:
        if was_on:
            gc.enable()


class _File:
    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.found: list[Diagnostic] = Few()
        tokens = lex(text)
        self.tokens = translated(tokens, path, self.found) if needed(tokens) else tokens

    def _builder(self, tokens: Tokens) -> Builder:
        return Builder(self.path, tokens, Texts(self.path, tokens, self.found, self._within_text))

    def _within_text(self, tokens: Tokens) -> Any:
        if needed(tokens):
            tokens = translated(tokens, self.path, self.found, in_braces=True)
        if not tokens.kinds:
            return None  # nothing was left of it, and that is told
        walk = Walk(self._builder(tokens), "expression", 0, len(tokens.kinds))
        return walk_through(walk, self.found)

    def parsed(self) -> tuple[t.RuleFile, list[Diagnostic]]:
        """Parse piece by piece."""
        broken: frozenset[int] = frozenset()
        if not fit(self.tokens):
            self.tokens, broken = mended(self.tokens, self.path, self.found)
        self.builder = self._builder(self.tokens)
        declarations: list[Any] = []
        for first, last in pieces(self.tokens, self.path, self.found):
            node = walk_through(Walk(self.builder, "declaration", first, last), self.found, broken)
            if node is not None and self._sound(node, first, last):
                if isinstance(node, t.Language) and declarations:
                    self._not_first(node)
                declarations.append(node)
        silenced = silences(self.path, self.tokens, self.found) if self.tokens.trivia else ()
        tree = t.RuleFile(
            path=self.path, declarations=tuple(declarations), silences=silenced, span=self._all()
        )
        if self.tokens.trivia:
            attach(tree, self.tokens)
        return tree, _once(sorted(self._told(), key=lambda one: (one.span.line, one.span.column)))

    def _told(self) -> list[Diagnostic]:
        """What was found; of brackets in what is too deep nothing is said besides."""
        if not any(one.code == "KZ113" for one in self.found):
            return self.found
        return [one for one in self.found if one.code not in ("KZ102", "KZ103")]

    def _sound(self, node: Any, first: int, last: int) -> bool:
        """Whether a declaration is one that this version can read, and not too deep to be worked on."""
        if isinstance(node, t.Language) and node.version != 1:
            way_out = "write `language 1`, or install a newer kzrules"
            message = f"this kzrules reads language 1, not {node.version}"
            self.found.append(finding("KZ114", message, node.span, help=way_out))
        if last - first <= DEEPEST_TREE or _depth(node) <= DEEPEST_TREE:
            return True
        self.found.append(deep(self.path, self.tokens, first))
        return False

    def _not_first(self, node: t.Language) -> None:
        message = "`language` stands first in its file, and once: it says how all of it is read"
        self.found.append(finding("KZ114", message, node.span, help="put it before everything else"))

    def _all(self) -> Span:
        lines = len(self.tokens.line_starts)
        return Span(self.path, 1, 1, lines, len(self.tokens.text) - self.tokens.line_starts[-1] + 1)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """A name with an odd letter is told where it stands first, not wherever it is used."""
    told: set[str] = set()
    kept: list[Diagnostic] = []
    for one in found:
        names_it = one.code == "KZ107" and one.message.startswith("`")
        if not names_it or one.message not in told:
            kept.append(one)
        if names_it:
            told.add(one.message)
    return kept


def _depth(node: Any) -> int:
    """How deep a tree is. Without recursion: that is what the depth is asked for."""
    depth, row = 0, [node]
    while row:
        depth += 1
        row = [child for one in row for child in t.children(one)]
    return depth
