"""What a Kamailio author's fingers type becomes what is written here: each with a finding that says
so, and the parse goes on as if it had been written rightly. `parse` calls, where there is any.
"""

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.parsing.lexer import SIGNIFICANT, Tokens
from kzrules.language.slips.fingers_signs import Signs
from kzrules.language.slips.fingers_words import BEFORE, BETWEEN, Words
from kzrules.language.slips.kamailio import NULLS, ROUTES, SETTINGS

NAMES = frozenset(
    {"xlog", "xinfo", "xwarn", "xerr", "xdbg", "exit", "drop", "elseif", "elsif", "elif", "switch", "while"}
    | {"break", "continue"}
    | {"kazoo_publish", "kazoo_query", "kazoo_subscribe", "kazoo_encode", "kazoo_json"}
    | NULLS.keys() | ROUTES | SETTINGS | BETWEEN | BEFORE
)  # fmt: skip
_LOOKED_AT = frozenset({"ROUTE", "MATCHES", "MINUS", "EXCHANGE", "QUEUE"})


def needed(tokens: Tokens) -> bool:
    """Whether anything in a file is not as it is written here."""
    if tokens.aliens or not NAMES.isdisjoint(tokens.texts) or "$" in tokens.text:
        return True
    kinds = tokens.kinds
    if _LOOKED_AT.isdisjoint(kinds):
        return False
    return any(_foreign(tokens, at) for at, kind in enumerate(kinds) if kind in _LOOKED_AT)


def _foreign(tokens: Tokens, at: int) -> bool:
    """Whether `route`, `matches` or a minus is not as it is written here."""
    kind, after = tokens.kinds[at], tokens.kinds[at + 1 : at + 2]
    if kind == "ROUTE":
        return after in (["OPEN"], ["OPEN_LIST"], ["OPEN_BRACE"])
    if kind in ("EXCHANGE", "QUEUE"):
        return after in (["COLON"], ["SET"])
    return after != ["REGEX"] if kind == "MATCHES" else _tight(tokens, at)


def translated(tokens: Tokens, path: str, found: list[Diagnostic], *, in_braces: bool = False) -> Tokens:
    """Return the tokens as they would stand here; what was changed is told.

    `in_braces`: they stand in the braces of a text.
    """
    return _Translation(tokens, path, found, in_braces=in_braces).run()


def _tight(tokens: Tokens, at: int) -> bool:
    """Whether a minus touches a name on both sides: it is meant as a hyphen."""
    if not 0 < at < len(tokens.kinds) - 1 or tokens.kinds[at - 1] in ("FIELD", "FURTHER"):
        return False
    touches = tokens.ends[at - 1] == tokens.starts[at] and tokens.ends[at] == tokens.starts[at + 1]
    return touches and tokens.texts[at - 1][0].isalpha() and tokens.texts[at + 1][0].isalpha()


class _Translation(Signs, Words):
    """One walk over a file's tokens."""

    def run(self) -> Tokens:
        while self.at < len(self.old.kinds):
            kind = self.old.kinds[self.at]
            if self.at in self.instead:
                self.keep(*self.instead[self.at])
            elif kind in SIGNIFICANT:
                self.alien(kind)
            elif not self.familiar(kind):
                self.keep()
        if self.stops:
            self._semicolons()
        return self.new

    def familiar(self, kind: str) -> bool:
        """Whether a token of this language was another thing's, and is dealt with."""
        text = self.old.texts[self.at]
        if kind == "TEXT" and "$" in text:
            return self.dollars()
        if kind == "ROUTE":
            return self.route()
        if kind == "MATCHES" and self.next() in ("TEXT", "QUOTED", "ODD_TEXT", "NAME", "PSEUDO"):
            self.pattern("KZ109", "a pattern stands between slashes")
            self.keep()
            self.as_regex()
            return True
        if kind == "MINUS" and _tight(self.old, self.at):
            return self.hyphen()
        if kind == "LET" and self.next() == "NAME":
            self.known.add(self.old.texts[self.at + 1])
        if kind in ("EXCHANGE", "QUEUE") and self.next() in ("COLON", "SET"):
            return self.head_with_colon(text)
        return kind == "NAME" and self.name_of(text)

    def name_of(self, text: str) -> bool:
        """Whether a name was another thing's, by itself or by what follows."""
        if self.next() == "DECLARES" and text not in self.known and self.begins():
            return self.declares()
        if self.next() == "COLON" and self.next(2) == "LINE_COMMENT" and self.url():
            return True
        return text in NAMES and self.word(text)
