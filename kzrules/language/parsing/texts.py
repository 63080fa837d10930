"""What single tokens mean: texts with their escapes and braces, numbers, durations. `build` asks."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from kzrules.language import tree as t
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix, Label
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lexer import Tokens, lex
from kzrules.language.tree import Span

MOST_DIGITS = 4300
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}
_PIECE = re.compile(r"[^{}\\]+|\\u[0-9A-Fa-f]{4}|\\.|\{\{|\}\}|\{|\}|\\")
_HOLE = re.compile(
    r'\{(?:[^{}"\n]|"(?:[^"\\{}\n]|\\.)*"|\{(?:[^{}"\n]|"(?:[^"\\{}\n]|\\.)*"|\{[^{}\n]*\})*\})*\}'
)
_FIELD = re.compile(r"\.[A-Za-z_][A-Za-z0-9_-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")

Parse = Callable[[Tokens], Any]
"""Parses the tokens within a text's braces as an expression; None when they are none."""


class Texts:
    """Reads tokens of one file; what is wrong with them goes to `found`."""

    def __init__(self, path: str, tokens: Tokens, found: list[Diagnostic], parse: Parse) -> None:
        self.path = path
        self.tokens = tokens
        self.found = found
        self.parse = parse

    def span(self, number: int) -> Span:
        """Return where a token stands."""
        tokens = self.tokens
        return self.place(tokens.starts[number], tokens.ends[number], tokens.lines[number])

    def place(self, start: int, end: int, line: int) -> Span:
        """Return the span of a stretch within one line."""
        base = self.tokens.line_starts[line - 1] - 1
        return Span(self.path, line, start - base, line, end - base)

    def integer(self, number: int) -> int:
        """Return the value of an integer."""
        digits = self.tokens.texts[number].replace("_", "")
        if len(digits) > MOST_DIGITS:
            self._tell(
                "KZ108", f"a number of {len(digits)} digits is too long", number, f"{MOST_DIGITS} at most"
            )
            return 0
        if len(digits) > 1 and digits[0] == "0":
            message = f"the number {digits} begins with 0"
            self._tell(
                "KZ108",
                message,
                number,
                f'write {int(digits)}, or "{digits}" if it is a text, as phone numbers are',
            )
        return int(digits)

    def decimal(self, number: int) -> float:
        """Return the value of a decimal."""
        value = float(self.tokens.texts[number].replace("_", ""))
        if value in (float("inf"), float("-inf")):
            self._tell("KZ108", "this number is too large for a decimal", number, "it ends at 1.8e308")
            return 0.0
        return value

    def duration(self, number: int) -> int:
        """Return the milliseconds of a duration."""
        text = self.tokens.texts[number].replace("_", "")
        digits = text.rstrip("msdh")
        whole, _, part = digits.partition(".")
        if len(whole) > 15 or len(part) > 15:
            self._tell("KZ108", "this duration is too long", number, "a duration has 15 digits at most")
            return 0
        unit = _UNITS[text[len(digits) :]]
        scale: int = 10 ** len(part)
        milliseconds, rest = divmod(int(whole + part) * unit, scale)
        if rest:
            self._tell("KZ108", "a duration is whole milliseconds", number, "write it with a smaller unit")
        return milliseconds

    def text(self, number: int) -> t.Literal | t.Template:
        """Return a text, or a template if it has braces."""
        raw = self.tokens.texts[number]
        span = self.span(number)
        if "\\" not in raw and "{" not in raw and "}" not in raw:
            return t.Literal(value=raw[1:-1], raw=raw, span=span)
        parts = self._parts(number)
        if any(not isinstance(part, str) for part in parts):
            return t.Template(parts=parts, raw=raw, span=span)
        return t.Literal(value="".join(map(str, parts)), raw=raw, span=span)

    def plain(self, number: int) -> str:
        """Return a text that takes no braces: a file, a test's name."""
        match self.text(number):
            case t.Literal(value=str(value)):
                return value
        self._tell("KZ105", "this text takes no values in braces", number, "write {{ and }} for braces")
        return ""

    def quoted_field(self, base: t.Expr | None, number: int, span: Span) -> t.Field | t.Index:
        """Return the field of a quoted name; one with braces is an index."""
        match self.text(number):
            case t.Literal(value=str(name)):
                return t.Field(base=base, name=name, quoted=True, span=span)
            case key:
                return t.Index(base=base, key=key, span=span)

    def route_name(self, number: int) -> tuple[str, Span]:
        """Return the name in the brackets of an event route, and its place."""
        raw = self.tokens.texts[number]
        name = raw[1:-1].strip()
        if not name:
            self._tell(
                "KZ118",
                "this event route has no name",
                number,
                "write event_route[kazoo:consumer-event] for all events",
            )
            return name, self.span(number)
        start = self.tokens.starts[number] + raw.index(name)
        return name, self.place(start, start + len(name), self.tokens.lines[number])

    def only(self, targets: Sequence[t.Target], kind: str) -> t.Target | None:
        """Return the one exchange or queue of a subscription."""
        for second in targets[1:]:
            first = (Label(targets[0].span, "the first one"),)
            way_out = f"a subscription has one {kind}: declare another subscription"
            self.found.append(finding("KZ119", f"a second {kind}", second.span, labels=first, help=way_out))
        return targets[0] if targets else None

    # --- within a text

    def _parts(self, number: int) -> tuple[Any, ...]:
        """Split a text in literal parts and expressions."""
        tokens, parts, literal = self.tokens, [], ""
        at, end = tokens.starts[number] + 1, tokens.ends[number] - 1
        while at < end:
            hole = (
                _HOLE.match(tokens.text, at, end)
                if tokens.text[at] == "{" and tokens.text[at : at + 2] != "{{"
                else None
            )
            if hole:
                parts += [literal] if literal else []
                literal = ""
                parts.append(self._hole(number, at + 1, hole.end() - 1))
                at = hole.end()
                continue
            piece = _PIECE.match(tokens.text, at, end)
            assert piece is not None  # noqa: S101  the pattern has an alternative for each character
            literal += self._piece(number, piece)
            at = piece.end()
        literal = self._joined(number, literal)
        return tuple(parts + ([literal] if literal or not parts else []))

    def _piece(self, number: int, piece: re.Match[str]) -> str:
        text = piece[0]
        if text in ("{{", "}}"):
            return text[0]
        if not text.startswith("\\"):
            return text
        if len(text) == 6:
            return chr(int(text[2:], base=16))  # noqa: FURB166  it is no number's prefix that goes
        if text[1:] in _ESCAPES:
            return _ESCAPES[text[1:]]
        span = self.place(piece.start(), piece.end(), self.tokens.lines[number])
        fix = Fix("write the backslash twice", (Edit(span, "\\" + text),), safe=False)
        way_out = 'write \\\\ for a backslash; \\n, \\t, \\" and \\u0041 are known'
        self.found.append(finding("KZ106", f"a text knows no {text}", span, help=way_out, fix=fix))
        return text

    def _joined(self, number: int, text: str) -> str:
        """Join the two halves that JSON escapes one far character in."""
        if not _SURROGATE.search(text):
            return text
        joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\ufffd" in joined:
            self._tell(
                "KZ106", "half of a pair of \\u escapes stands alone", number, "write the character itself"
            )
        return joined

    def _hole(self, number: int, start: int, end: int) -> Any:
        tokens = self.tokens
        line = tokens.lines[number]
        if _FIELD.fullmatch(tokens.text, start, end):  # what stands in most braces, without a walk
            return t.Field(base=None, name=tokens.text[start + 1 : end], span=self.place(start, end, line))
        inner = lex(tokens.text, start, end, line, tokens.line_starts[line - 1])
        if not inner.kinds:
            span = self.place(start - 1, end + 1, line)
            way_out = "write {{ and }} for braces, or a value between them"
            self.found.append(finding("KZ101", "the braces of this text are empty", span, help=way_out))
        value = self.parse(inner) if inner.kinds else None
        if value is None:
            return t.Literal(value=None, raw="null", span=self.place(start, end, line))
        return value

    def _tell(self, code: str, message: str, number: int, way_out: str) -> None:
        self.found.append(finding(code, message, self.span(number), help=way_out))
