"""Lines to the tokens of Kamailio's language: words, numbers, texts, pseudo-variables, signs.

Comments are no tokens: each token carries those that stand before it. `parser` reads the tokens.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kzrules.convert.place import Place, UnreadableError
from kzrules.convert.preprocess import Definitions, Line

WORD, NUMBER, TEXT, VARIABLE, SELECT, SIGN, OTHER, END = (
    "word", "number", "text", "variable", "select", "sign", "other", "end",
)  # fmt: skip

_PLAIN = re.compile(
    r"(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>0x[0-9A-Fa-f]+|[0-9]+)"
    r"|(?P<select>@[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<sign>&&|\|\||==|!=|=~|!~|<=|>=|<<|>>|=>|[-+*/%<>=!(){}\[\];:,.?&|^~])"
)
_BLANK = re.compile(r"[ \t\r\n\f\ufeff]+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'", "0": "\0"}
DEEPEST = 16
"""Definitions that stand for each other deeper than this stand for each other for ever."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `raw`: a text in single quotes, whose backslashes are no escapes."""

    kind: str
    text: str
    place: Place
    comments: tuple[str, ...] = field(default=(), compare=False)
    trailing: bool = field(default=False, compare=False)
    """The first comment stands behind the token before this one, on its line."""

    def __str__(self) -> str:
        """As a message names it."""
        return "the end of the file" if self.kind == END else f"`{self.text[:40]}`"


class Lexer:
    """Walks over the lines of a configuration."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.row = 0
        self.column = 0
        self.comments: list[str] = []
        self.trailing = False
        self.last_line: tuple[str, int] | None = None

    def tokens(self) -> Iterator[Token]:
        """All tokens, and `END`."""
        while self._skip():
            yield from self._next()
        yield self._made(END, "", self._here())

    # --- where we are

    def _line(self) -> Line:
        return self.lines[self.row]

    def _here(self) -> Place:
        if self.row < len(self.lines):
            return self._line().place(self.column + 1)
        return self.lines[-1].place(len(self.lines[-1].text) + 1) if self.lines else Place("", 1, 1, "")

    def _rest(self) -> str:
        return self._line().text[self.column :]

    def _on(self, count: int) -> None:
        self.column += count
        while self.row < len(self.lines) and self.column >= len(self._line().text):
            self.row, self.column = self.row + 1, 0

    def _skip(self) -> bool:
        """Pass over blanks and comments; False at the end."""
        while self.row < len(self.lines):
            rest = self._rest()
            if blank := _BLANK.match(rest):
                self._on(blank.end())
            elif not rest:
                self.row, self.column = self.row + 1, 0
            elif rest.startswith(("#", "//")):
                self._comment(rest[1:] if rest.startswith("#") else rest[2:])
                self.row, self.column = self.row + 1, 0
            elif rest.startswith("/*"):
                self._long_comment()
            else:
                return True
        return False

    def _comment(self, text: str) -> None:
        line = self._line()
        if not self.comments and self.last_line == (line.file, line.number):
            self.trailing = True
        self.comments.append(f"# {text.strip().lstrip('#').strip()}".rstrip())

    def _long_comment(self) -> None:
        opened, text = self._here(), self._until("*/", 2)
        if text is None:
            raise UnreadableError("this comment is never closed: write `*/`", opened)
        for line in text.split("\n"):
            plain = line.strip().strip("*").strip()
            if plain:
                self.comments.append(f"# {plain}")

    def _until(self, mark: str, skip: int) -> str | None:
        """What stands before a mark, over lines; passes over the mark."""
        parts: list[str] = []
        self.column += skip
        while self.row < len(self.lines):
            text = self._line().text
            at = text.find(mark, self.column)
            if at >= 0:
                parts.append(text[self.column : at])
                self._on(at + len(mark) - self.column)
                return "\n".join(parts)
            parts.append(text[self.column :])
            self.row, self.column = self.row + 1, 0
        return None

    # --- tokens

    def _made(self, kind: str, text: str, place: Place) -> Token:
        token = Token(kind, text, place, tuple(self.comments), self.trailing)
        self.comments, self.trailing = [], False
        self.last_line = (place.file, place.line)
        return token

    def _next(self) -> Iterator[Token]:
        place, definitions, rest = self._here(), self._line().definitions, self._rest()
        if rest[0] in "\"'":
            yield self._quoted(rest[0], place, definitions)
        elif rest[0] == "$":
            yield self._made(VARIABLE, definitions.inside(self._variable(place)), place)
            self._ends_here()
        elif found := _PLAIN.match(rest):
            kind = str(found.lastgroup)
            self._on(found.end())
            if kind == WORD and found[0] in definitions.words and found[0] not in _KEPT:
                yield from self._defined(found[0], place, definitions)
            else:
                yield self._made(kind, found[0], place)
        else:
            self._on(1)
            yield self._made(OTHER, rest[0], place)

    def _ends_here(self) -> None:
        row = min(self.row, len(self.lines) - 1)
        if self.column:
            self.last_line = (self.lines[row].file, self.lines[row].number)

    def _defined(self, word: str, place: Place, definitions: Definitions) -> Iterator[Token]:
        """The tokens that a definition stands for, at the place where its name stands."""
        yield from _replaced(word, place, definitions, 0, self)

    def _quoted(self, quote: str, place: Place, definitions: Definitions) -> Token:
        parts: list[str] = []
        self.column += 1
        while self.row < len(self.lines):
            text = self._line().text
            while self.column < len(text):
                sign = text[self.column]
                if sign == quote:
                    self._on(1)
                    token = self._made(TEXT, definitions.inside("".join(parts)), place)
                    self._ends_here()
                    return token
                if sign == "\\" and quote == '"' and self.column + 1 < len(text):
                    following = text[self.column + 1]
                    parts.append(_ESCAPES.get(following, "\\" + following))
                    self.column += 2
                    continue
                parts.append(sign)
                self.column += 1
            if not text.rstrip("\r").endswith("\\"):
                parts.append("\n")
            else:
                parts.pop()
            self.row, self.column = self.row + 1, 0
        raise UnreadableError(f"this text is never closed: a {quote} is missing", place)

    def _variable(self, place: Place) -> str:
        """`$name`, `$name(...)` or `$(...)`, over lines. Only parentheses count: a path without its
        `]` is one that Kamailio takes.
        """
        parts: list[str] = []
        opened = 0
        while self.row < len(self.lines):
            text = self._line().text
            while self.column < len(text):
                sign = text[self.column]
                if not opened and parts and not (sign.isalnum() or sign in "_("):
                    return "".join(parts)
                if not opened and sign == "(" and ")" in parts:
                    return "".join(parts)
                parts.append(sign)
                self.column += 1
                if sign == "(":
                    opened += 1
                elif opened and sign == ")":
                    opened -= 1
                    if not opened:
                        self._on(0)
                        return "".join(parts)
            if not opened:
                self._on(0)
                return "".join(parts)
            parts.append("\n")
            self.row, self.column = self.row + 1, 0
        raise UnreadableError("this variable is never closed: a bracket is missing", place)


_KEPT = frozenset({"if", "else", "while", "switch", "case", "default", "route", "event_route", "return"})


def _replaced(word: str, place: Place, definitions: Definitions, depth: int, owner: Lexer) -> Iterator[Token]:
    if depth > DEEPEST:
        raise UnreadableError(f"`{word}` is defined by itself", place)
    inner = Lexer([Line(definitions.words[word], place.file, place.line, Definitions(
        {}, definitions.substitutions
    ))])  # fmt: skip
    for token in inner.tokens():
        if token.kind == END:
            return
        if token.kind == WORD and token.text in definitions.words:
            yield from _replaced(token.text, place, definitions, depth + 1, owner)
        else:
            yield owner._made(token.kind, token.text, place)  # noqa: SLF001  one lexer within another
