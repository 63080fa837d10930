"""Signs of JavaScript, Python, Go and shells: `a ? b : c`, `:=`, texts in back quotes, bits."""

import re

from kzrules.language.findings.diagnostic import Edit, Fix
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lexer import SIGNIFICANT
from kzrules.language.parsing.split import CLOSERS, OPENERS
from kzrules.language.slips.elsewhere import COMPARES, NEEDLESS, OPERATORS
from kzrules.language.slips.fingers_moves import Moves

_NEAR = 200
"""How many tokens on both sides of a `?` are looked at."""
_BEFORE_VALUE = frozenset(
    {"COMMA", "SET", "COLON", "RETURN", "USE", "IF", "WHEN", "ARROW", "THEN", "ELSE", "WHERE"}
)
_BEHIND = frozenset(
    {"NAME", "FIELD", "FURTHER", "TEXT", "CLOSE", "CLOSE_LIST", "INTEGER", "DECIMAL", "NULL", "TRUE", "FALSE"}
)
VALUE_ENDS = frozenset({"NAME", "FIELD", "FURTHER", "TEXT", "CLOSE", "CLOSE_LIST", "INTEGER", "DECIMAL"})
_SIMPLE = re.compile(r'"(?:[^"\\{}\n]|\{[\w.\-]+\})*"')
_BITS = {"|": "`or` joins conditions", "&": "`and` joins conditions", "^": "multiply: `x * x`"}


class Other(Moves):
    """What is written otherwise in languages that are no Kamailio's."""

    def question(self) -> None:
        """`a ? b : c`, `a ?: b`, `a?.b`"""
        old, at = self.old, self.at
        if self.full():
            self.at += 1
        elif self.next() == "FIELD" and old.ends[at] == old.starts[at + 1]:
            self.tell(
                "KZ144", "`?.` is written `.` here: a field of `null` is `null`", "take the `?` away", ""
            )
            self.at += 1
            self.keep("FURTHER")
        elif self.next() == "COLON":
            self.tell("KZ144", "`?:` is written `??` here", "write `??`", "??", count=2)
            self.put("DEFAULT", "??")
            self.at += 2
        elif (colon := self._else_of(at)) is not None:
            self._choice(self._start_of(at), colon, self._end_of(colon))
        else:
            way_out = "write `if CONDITION then VALUE else VALUE`, or `VALUE ?? OTHER`"
            self.tell("KZ144", "there is no `?` here", way_out)
            self.at += 1

    def _choice(self, first: int, colon: int, last: int) -> None:
        """Take it as `if a then b else c`, and tell so."""
        old, at = self.old, self.at
        parts = [self._source(first, at - 1), self._source(at + 1, colon - 1), self._source(colon + 1, last)]
        new = "if {} then {} else {}".format(*parts)
        sure = SIGNIFICANT.isdisjoint(old.kinds[first:at] + old.kinds[at + 1 : last + 1])
        span = self.span(first, last)
        fix = Fix("write it so", (Edit(span, new),), safe=sure)
        message = "`a ? b : c` is written `if a then b else c` here"
        way_out = f"write `{new}`" if len(new) < 70 else "write `if a then b else c`"
        self.found.append(finding("KZ144", message, self.span(at, last), help=way_out, fix=fix))
        self.insert("IF", "if", first)
        self.put("THEN", "then")
        self.instead[colon] = ("ELSE", "else")
        self.at += 1

    def _source(self, first: int, last: int) -> str:
        return " ".join(self.old.text[self.old.starts[first] : self.old.ends[last]].split())

    def _else_of(self, at: int) -> int | None:
        """The colon that belongs to a `?`."""
        depth, waiting, kinds = 0, 0, self.old.kinds
        for place in range(at + 1, min(at + _NEAR, len(kinds))):
            kind = kinds[place]
            depth += (kind in OPENERS) - (kind in CLOSERS)
            if depth < 0:
                return None
            if depth == 0 and self.old.texts[place] == "?":
                waiting += 1
            elif depth == 0 and kind == "COLON":
                if not waiting:
                    return place if place > at + 1 else None
                waiting -= 1
        return None

    def _start_of(self, at: int) -> int:
        """The first token of the value before a `?`."""
        depth, kinds = 0, self.old.kinds
        for place in range(at - 1, max(-1, at - _NEAR), -1):
            kind = kinds[place]
            depth += (kind in CLOSERS) - (kind in OPENERS)
            if depth < 0 or (depth == 0 and (kind in _BEFORE_VALUE or self.old.texts[place] == "?")):
                return place + 1
        return at - 1

    def _end_of(self, colon: int) -> int:
        """The last token of the value behind the colon."""
        depth, kinds = 0, self.old.kinds
        for place in range(colon + 1, min(colon + _NEAR, len(kinds))):
            kind = kinds[place]
            ends = kind in ("COMMA", "SEMICOLON", "COLON") or (
                self.old.first_on_line(place) and place > colon + 1
            )
            if depth == 0 and (ends or kind in CLOSERS or (kind == "OPEN_BRACE" and place > colon + 1)):
                return place - 1
            depth += (kind in OPENERS) - (kind in CLOSERS)
        return min(colon + 1, len(kinds) - 1)

    def between(self, text: str) -> bool:
        """`is`, `eq`, `AND`, `contains` and their like between two values."""
        if self.old.first_on_line(self.at) or not self.new.kinds or self.new.kinds[-1] not in _BEHIND:
            return False
        if self.next() in ("SET", "COLON", "COMMA", "CLOSE", "ARROW", "") or (
            self.next() == "OPEN" and text not in ("AND", "OR", "And", "Or")
        ):
            return False
        if text in OPERATORS:
            before = self.new.texts[-1] if self.new.kinds[-1] in ("NAME", "FIELD") else "x"
            way_out = f"write `{OPERATORS[text].format(before)}`"
            self.tell("KZ144", f"`{text}` is no operator here", way_out)
            self.keep("EQUAL", "==")
            return True
        kind, sign = COMPARES[text]
        no = text in ("is", "IS") and self.next() in ("NOT", "BANG")
        kind, sign = ("UNEQUAL", "!=") if no else (kind, sign)
        said = f"{text} not" if no else text
        self.tell("KZ144", f"`{said}` is written `{sign}` here", f"write `{sign}`", sign, count=1 + no)
        self.put(kind, sign)
        self.at += 1 + no
        return True

    def needless(self, text: str) -> bool:
        """`await`, `new` and their like before a value, `lambda`."""
        old, at = self.old, self.at
        if self.next() not in ("NAME", "FIELD") or old.lines[at] != old.lines[at + 1]:
            return False
        if text == "lambda":
            way_out = "write a subroutine beside the event routes: `route f(x) { return ... }`"
            last = self._end_of(at + 2) if self.next(2) == "COLON" else at + 1
            self.tell("KZ147", "a function is no value here", way_out, count=last - at + 1)
            self.put("NULL", "null")
            self.at = last + 1
            return True
        span = self.span(at, at + 1)
        fix = Fix("take it away", (Edit(span, old.texts[at + 1]),), safe=text != "typeof")
        message = f"there is no `{text}`: {NEEDLESS[text]}"
        self.found.append(finding("KZ147", message, self.span(at), help="take it away", fix=fix))
        self.at += 1
        return True

    def declares(self) -> bool:
        """`x := 1` at the beginning of a line."""
        name = self.old.texts[self.at]
        message = "`:=` is written with `let` here"
        way_out = f"write `let {name} = ...` the first time, `{name} = ...` after that"
        self.tell("KZ144", message, way_out, f"let {name} =", safe=False, count=2)
        self.known.add(name)
        self.put("LET", "let")
        self.keep()
        self.keep("SET", "=")
        return True

    def sets(self) -> None:
        """`let x := 1`"""
        self.tell("KZ144", "`:=` is written `=` here", "write `=`", "=")
        self.keep("SET", "=")

    def back_quoted(self, text: str) -> None:
        """A text in back quotes."""
        new = '"' + text[1:-1].replace('"', '\\"').replace("${", "{") + '"'
        self.tell("KZ136", "a text stands in double quotes here", f"write {new}", new, safe="$" not in text)
        self.keep("TEXT", new if _SIMPLE.fullmatch(new) else '""')

    def tilde(self) -> bool:
        """`x ~ /pattern/`"""
        behind = bool(self.new.kinds) and self.new.kinds[-1] in VALUE_ENDS
        if not behind or self.next() not in ("OVER", "TEXT", "LINE_COMMENT"):
            return False
        self.tell(
            "KZ123",
            "`~` is written `matches` here",
            "write `matches` and the pattern between slashes: /^sip:/",
        )
        line = self.old.lines[self.at]
        self.put("MATCHES", "matches")
        self.put("REGEX", "/x/")
        self.at += 1
        while self.at < len(self.old.kinds) and self.old.lines[self.at] == line:
            if self.old.kinds[self.at] in ("OPEN_BRACE", "CLOSE", "AND", "OR"):
                break
            self.at += 1
        return True

    def bits(self, text: str) -> bool:
        """`x | y` and its like."""
        if not self.new.kinds or self.new.kinds[-1] not in VALUE_ENDS | {"CLOSE_BRACE"}:
            return False
        if text == "|" and self.next() == "OPEN_BRACE":
            self.tell("KZ144", "`|` is written `with` here", "write `with`", self.spaced("with"))
            self.keep("WITH", "with")
            return True
        self.tell("KZ144", f"there is no `{text}`: numbers have no bits here", _BITS[text])
        self.keep("PLUS", "+")
        return True

    def head_with_colon(self, text: str) -> bool:
        """`exchange: "x"` in a subscription."""
        texts = ("TEXT", "NAME", "QUOTED")
        if self.parentheses or self.next(2) not in texts or not self.in_subscription():
            return False
        sign, name = self.old.texts[self.at + 1], self.old.texts[self.at + 2]
        self.keep()
        settings = "{ type: topic }" if text == "exchange" else "{ durable: true }"
        way_out = f"write `{text} {name} {settings}`"
        self.tell("KZ137", f"no `{sign}` stands behind `{text}`", way_out, "")
        self.at += 1
        return True

    def url(self) -> bool:
        """`amqp://host` without quotes: what follows `//` was read as a comment."""
        at, old = self.at, self.old
        if old.ends[at] != old.starts[at + 1] or old.ends[at + 1] != old.starts[at + 2]:
            return False
        comment = old.texts[at + 2]
        address = re.match(r"//[^\s{},\"]+", comment)
        if address is None:
            return False
        new = f'"{old.texts[at]}:{address[0]}"'
        span = self.span(at, at + 2)
        if len(address[0]) == len(comment):
            fix = Fix(f"write {new}", (Edit(span, new),))
        else:
            fix = Fix(f"write {new}", (Edit(span, new + comment[len(address[0]) :]),))
        self.found.append(finding("KZ136", "a URL stands in quotes", span, help=f"write {new}", fix=fix))
        self.put("TEXT", new)
        for sign in comment[len(address[0]) :]:
            if sign == "}":
                self.put("CLOSE_BRACE", "}")
        self.at += 3
        return True

    def spaced(self, word: str) -> str:
        """A word with blanks where it would touch what stands beside it."""
        text, start, end = self.old.text, self.old.starts[self.at], self.old.ends[self.at]
        before = "" if text[start - 1 : start].isspace() else " "
        return before + word + ("" if text[end : end + 1].isspace() else " ")
