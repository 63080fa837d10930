"""Brackets that do not fit are found before the parse, so that one of them is one finding and not a
file full of them. `parse` calls; indentation tells which bracket was forgotten.
"""

import re
from dataclasses import dataclass

from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lexer import Tokens
from kzrules.language.parsing.split import CLOSERS, OPENERS, STARTERS
from kzrules.language.tree import Span

_BEGIN = frozenset(
    {"LET", "MATCH", "FOR", "RETURN", "USE", "DELETE", "EMIT", "AFTER", "DONE", "RETRY", "REJECT"}
)
_VALUE_ENDS = frozenset(
    {"NAME", "TEXT", "INTEGER", "DECIMAL", "DURATION", "FIELD", "FURTHER", "TRUE", "FALSE", "NULL", "REGEX"}
    | CLOSERS.keys()
)
_SIGN = {
    "OPEN": "(",
    "OPEN_LIST": "[",
    "OPEN_BRACE": "{",
    "CLOSE": ")",
    "CLOSE_LIST": "]",
    "CLOSE_BRACE": "}",
}
_NEXT = frozenset({"NAME", "OPEN_BRACE", "TEXT", "INTEGER", "DURATION", "ROUTE_NAME", "EXPIRED"})
_BLANKS = re.compile(r"\s*")
FARTHEST = 500
"""How many open brackets back a partner is looked for: more than any rule has, and an end to the work."""


@dataclass(frozen=True, slots=True)
class _Open:
    kind: str
    number: int
    indent: int


def fit(tokens: Tokens) -> bool:
    """Whether every bracket has its partner."""
    open_: list[str] = []
    for kind in tokens.kinds:
        if kind in OPENERS:
            open_.append(OPENERS[kind])
        elif kind in CLOSERS and (not open_ or open_.pop() != kind):
            return False
    return not open_


def mended(tokens: Tokens, path: str, found: list[Diagnostic]) -> tuple[Tokens, frozenset[int]]:
    """The tokens with brackets that fit, and the lines on which that changed the sense."""
    mending = _Mending(tokens, path, found)
    mending.run()
    return mending.new, frozenset(mending.broken)


class _Mending:
    def __init__(self, tokens: Tokens, path: str, found: list[Diagnostic]) -> None:
        self.old = tokens
        self.path = path
        self.found = found
        self.new = Tokens(tokens.text, line_starts=tokens.line_starts, trivia=tokens.trivia)
        self.open: list[_Open] = []
        self.broken: set[int] = set()

    def run(self) -> None:
        for at, kind in enumerate(self.old.kinds):
            if self.open and self._leaves(at, kind):
                self._close_all(at, inner=kind not in STARTERS)
            if kind in OPENERS:
                self.open.append(_Open(kind, at, self._indent(at)))
            elif kind in CLOSERS and not self._closed(at, kind):
                continue
            self._keep(at)
        if self.open:
            self._close_all(len(self.old.kinds), inner=False)

    def _keep(self, at: int) -> None:
        old = self.old
        self.new.add(old.kinds[at], old.texts[at], old.starts[at], old.ends[at], old.lines[at])

    def _leaves(self, at: int, kind: str) -> bool:
        """Whether a statement or declaration begins here, though a bracket is open."""
        if not self.old.first_on_line(at):
            return False
        if kind in STARTERS and self.old.column(at) == 1:
            return self.old.kinds[at + 1 : at + 2] != [] and self.old.kinds[at + 1] in _NEXT
        return not self._is_block(self.open[-1]) and (kind in _BEGIN or self._calls_or_sets(at))

    def _calls_or_sets(self, at: int) -> bool:
        """Whether `f(` or `x =` begins here, behind a value that no comma and no operator goes on from."""
        kinds = self.old.kinds
        begins = kinds[at] == "NAME" and kinds[at + 1 : at + 2] in (["OPEN"], ["SET"])
        return begins and at > 0 and kinds[at - 1] in _VALUE_ENDS

    def _is_block(self, one: _Open) -> bool:
        """Whether a bracket opens a block or settings, not a value."""
        behind = self.old.kinds[one.number + 1 : one.number + 2]
        return one.kind == "OPEN_BRACE" and behind not in (["TEXT"], ["SPREAD"])

    def _close_all(self, at: int, *, inner: bool) -> None:
        """Close what is open: only what holds values if a statement begins."""
        told = False
        while self.open and not (inner and self._is_block(self.open[-1])):
            self._forgotten(self.open.pop(), at, told=told)
            told = True

    def _closed(self, at: int, kind: str) -> bool:
        """Close a bracket, and those within it that were forgotten. False: it closes nothing."""
        partner = self._partner(at, kind)
        if partner is None:
            span = self._span(at)
            fix = Fix("take it away", (Edit(span, ""),), safe=False)
            message = f"`{self.old.texts[at]}` closes nothing"
            way_out = "take it away, or look for the bracket that should have opened it"
            self.found.append(finding("KZ103", message, span, help=way_out, fix=fix))
            return False
        told = False
        while len(self.open) - 1 > partner:
            self._forgotten(self.open.pop(), at, told=told)
            told = True
        self.open.pop()
        return True

    def _partner(self, at: int, kind: str) -> int | None:
        """Which of the open brackets is closed: for a brace that begins its line, the one indented so."""
        wanted = CLOSERS[kind]
        near = range(max(0, len(self.open) - FARTHEST), len(self.open))
        places = [place for place in near if self.open[place].kind == wanted]
        if kind != "CLOSE_BRACE":
            last_brace = max((place for place in near if self.open[place].kind == "OPEN_BRACE"), default=-1)
            return places[-1] if places and places[-1] > last_brace else None
        if places and self.old.first_on_line(at):
            indent = self._indent(at)
            alike = [place for place in places if self.open[place].indent == indent]
            if alike and self.open[places[-1]].indent > indent:
                return alike[-1]
        return places[-1] if places else None

    def _forgotten(self, one: _Open, at: int, *, told: bool) -> None:
        """Tell of a bracket without partner, and put one there."""
        old, close = self.old, OPENERS[one.kind]
        before = at - 1
        self.new.add(close, _SIGN[close], old.ends[before], old.ends[before], old.lines[before])
        self.broken.update(range(old.lines[one.number], old.lines[min(at, len(old.lines) - 1)] + 1))
        if not told:
            message = f"this `{_SIGN[one.kind]}` is not closed"
            place = f"behind `{old.texts[before][:40]}` in line {old.lines[before]}"
            way_out = f"write `{_SIGN[close]}` {place}, if it belongs there"
            self.found.append(finding("KZ102", message, self._span(one.number), help=way_out))

    def _span(self, at: int) -> Span:
        column = self.old.column(at)
        width = self.old.ends[at] - self.old.starts[at]
        return Span(self.path, self.old.lines[at], column, self.old.lines[at], column + width)

    def _indent(self, at: int) -> int:
        """How many blanks begin the line that a token stands on."""
        start = self.old.line_starts[self.old.lines[at] - 1]
        blanks = _BLANKS.match(self.old.text, start, self.old.starts[at])
        return blanks.end() - start if blanks else 0
