"""Tokens to expressions: what stands in conditions, behind `=` and between the parentheses of a function.

`parser` reads the statements around them.
"""

from collections.abc import Sequence

from kzrules.convert import nodes as n
from kzrules.convert.lexer import END, NUMBER, SELECT, SIGN, TEXT, VARIABLE, WORD, Token
from kzrules.convert.place import UnreadableError

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||", "or"),
    ("&&", "and"),
    ("|",),
    ("&",),
    ("==", "!=", "=~", "!~", "<", ">", "<=", ">=", "eq", "ne", "ieq", "ine", "seq", "sne"),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%", "mod"),
)
"""Operators from the loosest to the tightest."""
_SAME = {"||": "or", "&&": "and", "eq": "==", "ne": "!=", "seq": "==", "sne": "!=", "ieq": "==", "ine": "!=",
         "mod": "%"}  # fmt: skip
_PREFIXES = frozenset({"defined", "strlen", "strempty"})
DEEPEST = 120


class ValueParser:
    """Reads tokens one after the other, by recursive descent."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    # --- tokens

    @property
    def now(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Pass over the token that comes next."""
        token = self.now
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def is_sign(self, *signs: str) -> bool:
        """Whether one of these signs comes next."""
        return self.now.kind == SIGN and self.now.text in signs

    def is_word(self, *words: str) -> bool:
        """Whether one of these words comes next."""
        return self.now.kind == WORD and self.now.text in words

    def took(self, *signs: str) -> bool:
        """Whether one of these signs comes next; passes over it."""
        if self.is_sign(*signs):
            self.next()
            return True
        return False

    def sign(self, sign: str, why: str) -> Token:
        """A sign that has to come."""
        if not self.is_sign(sign):
            raise UnreadableError(f"{why}: expected `{sign}`, and here is {self.now}", self.now.place)
        return self.next()

    # --- values

    def value(self, level: int = 0) -> n.Value:
        """An expression."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableError("this expression is nested too deep", self.now.place)
        made = self._level(level)
        self.depth -= 1
        return made

    def _level(self, level: int) -> n.Value:
        if level == len(_LEVELS):
            return self._prefix()
        left = self._level(level + 1)
        while self.now.kind in (SIGN, WORD) and self.now.text in _LEVELS[level]:
            op = self.next()
            right = self._level(level + 1)
            left = n.Operation(_SAME.get(op.text, op.text), left, right, op.place)
        return left

    def _prefix(self) -> n.Value:
        token = self.now
        if self.is_sign("!") or self.is_word("not"):
            self.next()
            return n.Prefix("not", self._prefix(), token.place)
        if self.is_sign("-"):
            self.next()
            return n.Prefix("-", self._prefix(), token.place)
        if self.is_word(*_PREFIXES):
            self.next()
            return n.Prefix(token.text, self._prefix(), token.place)
        if self.is_sign("("):
            self.next()
            if self.is_word("int", "str") and self.tokens[self.at + 1].text == ")":
                cast = self.next()
                self.next()
                return n.Prefix(cast.text, self._prefix(), token.place)
            inner = self.value()
            self.sign(")", "parentheses end")
            return inner
        return self._operand()

    def _operand(self) -> n.Value:
        token = self.next()
        if token.kind == TEXT:
            return n.Text(token.text + self._more_text(), token.place)
        if token.kind == NUMBER and self.is_sign("."):
            return n.Text(self._address(token.text), token.place)
        if token.kind == NUMBER:
            return n.Number(int(token.text, 0), token.place)
        if token.kind == VARIABLE:
            return n.Variable(token.text, token.place)
        if token.kind == SELECT:
            return n.Select(token.text, token.place)
        if token.kind == WORD:
            return self._call(token) if self.is_sign("(") else n.Bare(token.text, token.place)
        raise UnreadableError(f"a value was expected, and here is {token}", token.place)

    def _address(self, begun: str) -> str:
        """`src_ip == 10.0.0.1`"""
        while self.took("."):
            begun = f"{begun}.{self.next().text}"
        return begun

    def _call(self, name: Token) -> n.Call:
        self.next()
        arguments: list[n.Value] = []
        while not self.took(")"):
            if self.now.kind == END:
                raise UnreadableError(f"`{name.text}(` is never closed: a `)` is missing", name.place)
            arguments.append(self._argument())
            if not self.took(",") and not self.is_sign(")"):
                raise UnreadableError(
                    f"`,` parts the arguments of `{name.text}`, and here is {self.now}",
                    self.now.place,
                )
        return n.Call(name.text, tuple(arguments), name.place)

    def _argument(self) -> n.Value:
        """An expression; a route's name may hold signs: `route(A-B)`, `t_on_reply(NAME:x)`."""
        start = self.at
        first = self.now
        if first.kind == WORD and self.tokens[self.at + 1].text not in ("(", ",", ")"):
            while not self.is_sign(",", ")") and self.now.kind in (WORD, NUMBER, SIGN) and self.now.text in (
                "-", ":", ".", "_", self.now.text if self.now.kind != SIGN else "",
            ):  # fmt: skip
                self.next()
            if self.is_sign(",", ")"):
                return n.Bare("".join(one.text for one in self.tokens[start : self.at]), first.place)
            self.at = start
        return self.value()

    def _more_text(self) -> str:
        """Texts beside each other are one."""
        parts = []
        while self.now.kind == TEXT:
            parts.append(self.next().text)
        return "".join(parts)
