"""JSON that is glued together from text and variables, read as a value: in quotes a variable is part
of a text, outside of them it is a value of its own. As lenient as the module's own parser.
"""

import re
from collections.abc import Callable, Sequence

from kzrules.convert import make
from kzrules.convert.nodes import Value
from kzrules.language import tree as t

Part = str | Value
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class NotJson(Exception):  # noqa: N818  no failure: the caller takes the text as it is
    """The text is no whole JSON value."""


class Reader:
    """Reads parts one after the other; `text` and `value` translate a variable."""

    def __init__(
        self, parts: Sequence[Part], text: Callable[[Value], t.Expr], value: Callable[[Value], t.Expr]
    ) -> None:
        self.signs: list[str | Value] = []
        for part in parts:
            self.signs += list(part) if isinstance(part, str) else [part]
        self.at = 0
        self.text = text
        self.value = value

    def whole(self) -> t.Expr:
        """The one value; what follows an object is passed over, as the module does."""
        made = self.any()
        self.blanks()
        if self.at < len(self.signs):
            raise NotJson
        return made

    def fragment(self) -> tuple[bool, list[t.Entry | t.Spread]]:
        """Fields of an object that is put together in pieces: whether it begins here, and its fields."""
        begins = self.took("{")
        made: list[t.Entry | t.Spread] = []
        while not self.took("}"):
            self.blanks()
            if self.at == len(self.signs):
                return begins, made
            if not self.took(","):
                made.append(self.entry())
        self.blanks()
        if self.at < len(self.signs):
            raise NotJson
        return begins, made

    def now(self) -> str | Value | None:
        """The sign or variable that comes next."""
        return self.signs[self.at] if self.at < len(self.signs) else None

    def blanks(self) -> None:
        """Pass over blanks and comments."""
        while isinstance(sign := self.now(), str) and sign.isspace():
            self.at += 1

    def took(self, sign: str) -> bool:
        """Whether this sign comes next; passes over it."""
        self.blanks()
        if self.now() == sign:
            self.at += 1
            return True
        return False

    def any(self) -> t.Expr:
        """A value."""
        self.blanks()
        sign = self.now()
        if sign is None:
            raise NotJson
        if not isinstance(sign, str):
            self.at += 1
            return self.value(sign)
        if self.took("{"):
            return make.obj(self.entries("}"))
        if self.took("["):
            return make.listed(self.items("]"))
        if sign in "\"'":
            return self.quoted()
        return self.word()

    def entries(self, close: str) -> list[t.Entry | t.Spread]:
        """The fields of an object; of a name that stands twice the last one counts."""
        made: dict[t.Expr, t.Entry | t.Spread] = {}
        while not self.took(close):
            one = self.entry()
            made[one.key] = one
            if not self.took(","):
                if self.took(close):
                    break
                raise NotJson
        return list(made.values())

    def entry(self) -> t.Entry:
        """`"name": value`"""
        self.blanks()
        sign = self.now()
        if not isinstance(sign, str) or sign not in "\"'":
            raise NotJson
        key = self.quoted()
        if not self.took(":"):
            raise NotJson
        return make.entry(key, self.any())

    def items(self, close: str) -> list[t.Expr]:
        """The items of a list."""
        made: list[t.Expr] = []
        while not self.took(close):
            made.append(self.any())
            if not self.took(","):
                if self.took(close):
                    break
                raise NotJson
        return made

    def quoted(self) -> t.Literal | t.Template:
        """A text in quotes of either kind."""
        quote = self.now()
        self.at += 1
        parts: list[str | t.Expr] = []
        while (sign := self.now()) != quote:
            self.at += 1
            if sign is None:
                raise NotJson
            if not isinstance(sign, str):
                parts.append(self.text(sign))
            elif sign == "\\":
                parts.append(self.escape())
            else:
                parts.append(sign)
        self.at += 1
        return make.template(parts)

    def escape(self) -> str:
        """What stands behind a backslash."""
        sign = self.now()
        self.at += 1
        if not isinstance(sign, str):
            raise NotJson
        if sign == "u":
            digits = "".join(str(one) for one in self.signs[self.at : self.at + 4])
            self.at += 4
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise NotJson from None
        return _ESCAPES.get(sign, sign)

    def word(self) -> t.Expr:
        """A number, `true`, `false` or `null`."""
        start = self.at
        while isinstance(sign := self.now(), str) and (sign.isalnum() or sign in "+-."):
            self.at += 1
        text = "".join(str(one) for one in self.signs[start : self.at])
        if text.lower() in _WORDS:
            return make.literal(_WORDS[text.lower()])
        if _NUMBER.fullmatch(text):
            return make.literal(float(text) if re.search(r"[.eE]", text) else int(text))
        raise NotJson


def looks_like_json(parts: Sequence[Part]) -> bool:
    """Whether the first thing written is the bracket of an object or a list."""
    first = parts[0] if parts else ""
    return isinstance(first, str) and first.lstrip()[:1] in ("{", "[")
