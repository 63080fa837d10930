"""The walk over a file's tokens, from those that stand there to those that would stand here: what
`fingers` and its parts have in common.
"""

from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.finding import Few, finding
from kzrules.language.parsing.lexer import Tokens
from kzrules.language.parsing.split import CLOSERS, OPENERS
from kzrules.language.tree import Span

FAR = 5000
"""How many tokens ahead a closing bracket is looked for."""
_BEFORE_STATEMENT = {"OPEN_BRACE", "CLOSE_BRACE", "SEMICOLON", "CLOSE"}


class Moves:
    """The old tokens, the place among them, and the new ones."""

    def __init__(
        self, tokens: Tokens, path: str, found: list[Diagnostic], *, in_braces: bool = False
    ) -> None:
        self.old = tokens
        self.in_braces = in_braces
        """They stand in the braces of a text, where no statement can."""
        self.path = path
        self.found = found
        self.new = Tokens(tokens.text, line_starts=tokens.line_starts, trivia=tokens.trivia)
        self.at = 0
        self.known: set[str] = set()
        self.stops: list[Span] = []
        self.instead: dict[int, tuple[str, str]] = {}
        """Old tokens that are to be others when they are come to."""
        self.braces = 0
        self.parentheses = 0

    def span(self, first: int, last: int | None = None) -> Span:
        """Return where the old tokens from `first` to `last` stand."""
        old, last = self.old, first if last is None else last
        line = old.lines[last] + old.text.count("\n", old.starts[last], old.ends[last])
        end = old.ends[last] - (old.text.rfind("\n", 0, old.ends[last]) + 1)
        return Span(self.path, old.lines[first], old.column(first), line, end + 1)

    def keep(self, kind: str = "", text: str = "") -> None:
        """Take a token over, or another one in its place."""
        self.put(kind or self.old.kinds[self.at], text or self.old.texts[self.at])
        self.at += 1

    def put(self, kind: str, text: str) -> None:
        """Put a token among the new ones, at the place in hand."""
        old, at = self.old, min(self.at, len(self.old.kinds) - 1)
        self.braces += (kind == "OPEN_BRACE") - (kind == "CLOSE_BRACE")
        self.parentheses += (kind == "OPEN") - (kind == "CLOSE")
        self.new.add(kind, text, old.starts[at], old.ends[at], old.lines[at])

    def insert(self, kind: str, text: str, at: int) -> None:
        """Put a token before the old one `at`, which is among the new ones already."""
        old, new = self.old, self.new
        place = len(new.kinds)
        while place and new.starts[place - 1] >= old.starts[at]:
            place -= 1
        new.kinds.insert(place, kind)
        new.texts.insert(place, text)
        new.starts.insert(place, old.starts[at])
        new.ends.insert(place, old.ends[at])
        new.lines.insert(place, old.lines[at])

    def tell(
        self,
        code: str,
        message: str,
        way_out: str,
        fix: str | None = None,
        *,
        safe: bool = True,
        count: int = 1,
    ) -> None:
        """A finding at the token in hand and the next ones; `fix` goes in their place."""
        if self.full():
            return
        span = self.span(self.at, min(self.at + count, len(self.old.kinds)) - 1)
        change = None if fix is None else Fix(way_out, (Edit(span, fix),), safe=safe)
        self.found.append(finding(code, message, span, help=way_out, fix=change))

    def full(self) -> bool:
        """Whether so much is wrong that no more is told."""
        return isinstance(self.found, Few) and self.found.full

    def next(self, ahead: int = 1) -> str:
        """Return the kind of a token ahead, empty behind the last one."""
        place = self.at + ahead
        return self.old.kinds[place] if place < len(self.old.kinds) else ""

    def begins(self) -> bool:
        """Whether a statement may begin here."""
        if self.in_braces:
            return False
        return (
            not self.new.kinds or self.old.first_on_line(self.at) or self.new.kinds[-1] in _BEFORE_STATEMENT
        )

    def close_of(self, at: int) -> int:
        """The number of the bracket that closes the one at `at`."""
        depth = 0
        for place in range(at, min(at + FAR, len(self.old.kinds))):
            depth += (self.old.kinds[place] in OPENERS) - (self.old.kinds[place] in CLOSERS)
            if depth == 0:
                return place
        return min(at, len(self.old.kinds) - 1)

    def inside(self) -> bool:
        """Whether a brace is open."""
        return self.braces > 0

    def in_subscription(self) -> bool:
        """Whether the brace that is open is that of `subscribe NAME {`: elsewhere its words are names."""
        kinds, depth = self.new.kinds, 0
        for place in range(len(kinds) - 1, max(1, len(kinds) - FAR), -1):
            depth += (kinds[place] == "CLOSE_BRACE") - (kinds[place] == "OPEN_BRACE")
            if depth < 0:
                return kinds[place - 2] == "SUBSCRIBE"
        return False
