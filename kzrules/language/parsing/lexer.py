"""A file's text becomes tokens: kinds, texts and places in rows of equal length.

The grammar's terminals are the patterns here. Besides them stands what other languages would
write (`$var(x)`, `&&`, `// ...`); `fingers` turns that into tokens of this language.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from kzrules.language.parsing.grammar import tables

ALIEN = {
    "HASH_DIRECTIVE": r"#!\w[^\r\n]*",
    "BLOCK_COMMENT": r"/\*(?:[^*]|\*(?!/))*(?:\*/)?",
    "LINE_COMMENT": r"//[^\r\n]*",
    "BACK_QUOTED": r"`[^`\n]*`",
    "DECLARES": r":=",
    "PSEUDO": r"\$(?:[A-Za-z_]\w*(?:\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\))?"
    r"|\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\)(?:\[[^\]\n]*\])?)",
    "QUOTED": r"'(?:[^'\\\n]|\\.)*'",
    "BOTH": r"&&",
    "EITHER": r"\|\|",
    "LIKE": r"=~|!~",
    "SAME": r"===|!==",
    "CHANGE": r"\+\+|--|[+\-*/.]=",
    "UNLIKE": r"<>",
    "BANG": r"!(?!=)",
    "SEMICOLON": r";+",
    "ODD_NUMBER": r"[0-9][\w.]*",
    "ODD_TEXT": r'"(?:[^"\\\n]|\\.)*+"|"[^\n]*?(?=[\s),;\]}]{0,8}(?:\n|\Z))',
    "ODD_NAME": r"[^\W\d]\w*",
    "ODD": r"'[^'\\\n]*+\\[^\n]*|[^\s]",
}
"""What is no token of this language, though an author may write it. In the order that they are tried."""

SIGNIFICANT = frozenset(ALIEN)


@dataclass(slots=True)
class Tokens:
    """Rows of one length: token number n is `kinds[n]`, `texts[n]`..."""

    text: str
    kinds: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    line_starts: list[int] = field(default_factory=lambda: [0])
    trivia: list["Trivia"] = field(default_factory=list)
    aliens: bool = False

    def add(self, kind: str, text: str, start: int, end: int, line: int) -> None:
        """Put a token at the end."""
        self.kinds.append(kind)
        self.texts.append(text)
        self.starts.append(start)
        self.ends.append(end)
        self.lines.append(line)

    def column(self, number: int) -> int:
        """Return the column of a token's first character, from 1."""
        return self.starts[number] - self.line_starts[self.lines[number] - 1] + 1

    def first_on_line(self, number: int) -> bool:
        """Tell whether nothing stands before a token on its line."""
        return number == 0 or self.lines[number - 1] != self.lines[number]


@dataclass(frozen=True, slots=True)
class Trivia:
    """A comment, or a blank line (an empty text). `own` when no token stands before it on its line."""

    start: int
    end: int
    line: int
    text: str
    own: bool


@cache
def _pattern() -> re.Pattern[str]:
    grammar = tables()
    patterns = dict(grammar.patterns)
    patterns["NAME"] = r"[A-Za-z_][A-Za-z0-9_]*(?![^\W\d_])"  # keywords are looked up in `words`
    # as in the grammar, but what was taken is not given back: each `[^` could be read in two ways
    patterns["REGEX"] = patterns["REGEX"].removesuffix(r"+\/") + r"++\/"
    context = {
        "ROUTE_NAME": r"(?<=event_route)[ \t]*" + _group("ROUTE_NAME", patterns.pop("ROUTE_NAME")),
        "REGEX": r"(?:(?<=[^\w.\-]matches)|(?<==~)|(?<=!~))[ \t\r\n]*"
        + _group("REGEX", patterns.pop("REGEX")),
    }
    signs = sorted((word for word in grammar.words if not word[0].isalpha()), key=len, reverse=True)
    patterns.pop("BLANK")
    aliens = {name: _group(name, pattern) for name, pattern in ALIEN.items()}
    first = [aliens.pop(name) for name in ("HASH_DIRECTIVE", "BLOCK_COMMENT", "LINE_COMMENT")]
    operators = [aliens.pop(name) for name in ("LIKE", "SAME", "CHANGE", "UNLIKE", "DECLARES")]
    named = ("NAME", "FURTHER", "FURTHER_DOT", "FIELD", "TEXT", "DURATION", "DECIMAL", "INTEGER", "COMMENT")
    parts = [
        r"(?P<LINE_END>\n(?:[ \t\r\f]*\n)*)",
        r"(?P<BRACKET>[][{}(),]|:(?!=))",  # signs that begin nothing longer: two tokens of five
        *first,
        *(_group(name, patterns[name]) for name in named),
        *operators,
        "(?P<SIGN>" + "|".join(re.escape(sign) for sign in signs) + ")",
        *aliens.values(),
    ]
    # what its context decides comes first: it looks at the word before the blanks, so it takes them itself
    # blanks are never given back, and the end is matched too: each place of the text is read once
    return re.compile(
        "|".join(context.values()) + r"|(?:[^\S\n]|\ufeff)*+(?:" + "|".join(parts) + r"|(?P<END>\Z))"
    )


def _group(name: str, pattern: str) -> str:
    return f"(?P<{name}>{pattern})"


def lex(text: str, start: int = 0, end: int | None = None, line: int = 1, line_start: int = 0) -> Tokens:
    """Read the tokens between two places of a text; `line` and `line_start` say where that begins."""
    tokens = Tokens(text)
    tokens.line_starts = [0] * (line - 1) + [line_start]
    words, known = tables().words, tables().words.get
    add_kind, add_text = tokens.kinds.append, tokens.texts.append
    add_start, add_end, add_line = tokens.starts.append, tokens.ends.append, tokens.lines.append
    last_line = 0
    for found in _pattern().finditer(text, start, len(text) if end is None else end):
        kind = found.lastgroup
        assert kind is not None  # noqa: S101  every alternative is a named group
        first, last = found.span(kind)
        if kind == "LINE_END":
            line = _line_end(tokens, first, last, line)
            continue
        if kind == "END":
            break
        word = text[first:last]
        if kind == "NAME":
            kind = known(word, "NAME")
        elif kind in {"SIGN", "BRACKET"}:
            kind = words[word]
        elif kind == "COMMENT":
            tokens.trivia.append(Trivia(first, last, line, word.rstrip(), last_line != line))
            continue
        elif kind in SIGNIFICANT:
            tokens.aliens = True
        add_kind(kind)
        add_text(word)
        add_start(first)
        add_end(last)
        add_line(line)
        if kind == "BLOCK_COMMENT":
            line = _lines_within(tokens, first, last, line)
        last_line = line
    return tokens


def _line_end(tokens: Tokens, first: int, last: int, line: int) -> int:
    """Count line ends; more than one after each other leave a blank line behind."""
    before = line
    line = _lines_within(tokens, first, last, line)
    if line - before > 1:
        tokens.trivia.append(Trivia(first + 1, first + 1, before + 1, "", own=True))
    return line


def _lines_within(tokens: Tokens, first: int, last: int, line: int) -> int:
    at = tokens.text.find("\n", first, last)
    while at >= 0:
        tokens.line_starts.append(at + 1)
        line += 1
        at = tokens.text.find("\n", at + 1, last)
    return line
