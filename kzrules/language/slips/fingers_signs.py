"""Signs, texts and comments of Kamailio's and of other languages."""

import re

from kzrules.language.findings.diagnostic import Edit, Fix
from kzrules.language.findings.finding import finding
from kzrules.language.slips.fingers_other import VALUE_ENDS, Other
from kzrules.language.slips.kamailio import in_text, pseudo

_UNITS = re.compile(r"([0-9]+)(ms|s|m|h|d)[a-z]*")
_OPERAND = re.compile(r"//\s*[\w.()\[\]-]+[\s,)\]}]*")
_BARE = {"BOTH": ("AND", "and", "KZ120"), "EITHER": ("OR", "or", "KZ121")}


class Signs(Other):
    """What is no token of this language."""

    def alien(self, kind: str) -> None:
        """A token of another language."""
        text = self.old.texts[self.at]
        if kind == "DECLARES":
            self.sets()
            return
        if kind == "EITHER" and self._gives_default():
            self.tell("KZ121", "`||` before a value is written `??` here", "write `??`", self.spaced("??"))
            self.keep("DEFAULT", "??")
            return
        if kind in _BARE:
            new, word, code = _BARE[kind]
            self.tell(code, f"`{text}` is written `{word}` here", f"write `{word}`", self.spaced(word))
            self.keep(new, word)
            return
        doing = {
            "BANG": self.bang, "LIKE": self.like, "SAME": self.same, "UNLIKE": self.same,
            "CHANGE": self.change, "BACK_QUOTED": self.back_quoted,
            "SEMICOLON": self.semicolon, "PSEUDO": self.pseudo, "QUOTED": self.quoted,
            "LINE_COMMENT": self.comment, "BLOCK_COMMENT": self.comment, "HASH_DIRECTIVE": self.directive,
            "ODD_NUMBER": self.number, "ODD_TEXT": self.text, "ODD_NAME": self.name,
        }  # fmt: skip
        doing.get(kind, self.odd)(text)

    def _gives_default(self) -> bool:
        """Whether `||` stands before a value that is no condition: `.A || "b"`."""
        before = (
            self.new.kinds[-2:-1] if self.new.kinds[-1:] in (["NAME"], ["FIELD"], ["FURTHER"]) else ["EQUAL"]
        )
        compared = before and before[0] in ("EQUAL", "UNEQUAL", "LESS", "MORE", "AT_LEAST", "AT_MOST", "IN")
        plain = self.next() in ("OPEN_LIST", "OPEN_BRACE", "TEXT", "INTEGER", "DECIMAL")
        return plain and not compared and self.next(2) not in ("EQUAL", "UNEQUAL", "LESS", "MORE", "IN")

    def bang(self, _text: str) -> None:
        """`!x`"""
        safe = self.next() in ("OPEN", "NAME") and self.next(2) not in ("EQUAL", "UNEQUAL")
        self.tell("KZ122", "`!` is written `not` here", "write `not`", "not ", safe=safe)
        self.keep("NOT", "not")

    def like(self, text: str) -> None:
        """`=~` and `!~`"""
        if text == "!~":
            way_out = "write not (... matches /.../)"
            self.tell("KZ123", "`!~` is written with `not` and `matches` here", way_out)
        else:
            self.pattern("KZ123", "`=~` is written `matches` here")
        self.keep("MATCHES", "matches")
        self.as_regex()

    def pattern(self, code: str, message: str) -> None:
        """Tell of a pattern that does not stand between slashes, and what to write."""
        if self.next() in ("TEXT", "QUOTED", "ODD_TEXT"):
            regex = _regex(self.old.texts[self.at + 1])
            way_out = f"write `matches {regex}`"
            self.tell(
                code,
                message,
                way_out,
                f"matches {regex}",
                count=2,
                safe="$" not in regex[:-2] and "{" not in regex,
            )
        elif self.next() == "REGEX":
            self.tell(code, message, "write `matches`", self.spaced("matches"))
        else:
            self.tell(code, message, "write `matches` and the pattern between slashes: /^sip:/")

    def as_regex(self) -> None:
        """A text or name behind `matches` is taken as a pattern."""
        kind = self.old.kinds[self.at] if self.at < len(self.old.kinds) else ""
        if kind in ("TEXT", "QUOTED"):
            self.keep("REGEX", _regex(self.old.texts[self.at]))
        elif kind in ("ODD_TEXT", "NAME", "PSEUDO"):
            self.keep("REGEX", "/x/")
            if self.next(0) == "TEXT" and self.old.starts[self.at] == self.old.ends[self.at - 1]:
                self.at += 1  # r"..."

    def same(self, text: str) -> None:
        """`===`, `!==`, `<>`"""
        kind, word = ("EQUAL", "==") if text == "===" else ("UNEQUAL", "!=")
        self.tell("KZ144", f"`{text}` is written `{word}` here", f"write `{word}`", word)
        self.keep(kind, word)

    def change(self, text: str) -> None:
        """`++`, `--`, `+=` and their like."""
        if text == "--" and self.old.first_on_line(self.at) and self.next() != "NAME":
            self.at += 1
        if text == "/=" and not self._named():
            self.tell("KZ144", "`/=` is written `!=` here", "write `!=`", "!=")
            self.keep("UNEQUAL", "!=")
            return
        name = self.new.texts[-1] if self.new.kinds and self.new.kinds[-1] == "NAME" else "x"
        if text in ("++", "--"):
            counted = f" = {name} {text[0]} 1" if name != "x" else None
            self.tell("KZ144", f"there is no `{text}`", f"write `{name} = {name} {text[0]} 1`", counted)
            for kind, word in (("SET", "="), ("NAME", name), ("PLUS", "+"), ("INTEGER", "1")):
                self.put(kind, word)
            self.at += 1
            return
        way_out = (
            f'write `{name} = "{{{name}}}..."`' if text == ".=" else f"write `{name} = {name} {text[0]} ...`"
        )
        self.tell("KZ144", f"there is no `{text}`", way_out)
        self.keep("SET", "=")

    def _named(self) -> bool:
        """Whether a name stands before, at the beginning of its line."""
        before = self.at - 1
        return before >= 0 and self.old.kinds[before] == "NAME" and self.old.first_on_line(before)

    def semicolon(self, _text: str) -> None:
        """Gathered, and told once for the file; between two fields it stands for a comma."""
        if self.next() == "TEXT" and self.next(2) == "COLON":
            self.tell("KZ116", "a comma parts two fields, not a `;`", "write `,`", ",")
            self.keep("COMMA", ",")
            return
        self.stops.append(self.span(self.at))
        self.at += 1

    def _semicolons(self) -> None:
        edits = tuple(Edit(span, "") for span in self.stops)
        more = f"; there are {len(edits)} of them in this file" if len(edits) > 1 else ""
        fix = Fix("take the `;` away", edits)
        message = f"no `;` stands behind a statement here{more}"
        self.found.append(
            finding(
                "KZ124", message, self.stops[0], help="take it away: nothing separates statements", fix=fix
            )
        )

    def pseudo(self, text: str) -> None:
        """A pseudo-variable becomes a name or a field."""
        meant = pseudo(text)
        sets = self.next() == "SET" and self.begins() and meant.name is not None
        new = f"let {meant.code}" if sets and meant.name not in self.known else meant.code
        way_out = meant.way_out or f"write `{new}`"
        self.tell(meant.code_of_finding, f"`{text}` {meant.message}", way_out, new if meant.sure else None)
        if sets and meant.name is not None:
            if meant.name not in self.known:
                self.put("LET", "let")
            self.known.add(meant.name)
        for kind, word in meant.tokens:
            self.put(kind, word)
        self.at += 1

    def quoted(self, text: str) -> None:
        """A text in single quotes."""
        inner = text[1:-1].replace("\\'", "'")
        plain = not set(inner) & set('"{}$')
        new = '"' + inner.replace('"', '\\"') + '"'
        self.tell("KZ136", "a text stands in double quotes here", f"write {new}", new, safe=plain)
        self.keep("TEXT", new if plain else '""')

    def comment(self, text: str) -> None:
        """`// ...` and `/* ... */`"""
        behind = (
            self.new.kinds[-1:] and self.new.kinds[-1] in VALUE_ENDS and not self.old.first_on_line(self.at)
        )
        if text.startswith("//") and behind and _OPERAND.fullmatch(text):
            way_out = "write `#` for a comment, `int(a / b)` for a whole number of times"
            self.tell("KZ135", "a comment begins with `#` here, and `//` is no division", way_out)
        elif text.startswith("//"):
            self.tell("KZ135", "a comment begins with `#` here", "write `#`", "#" + text[2:])
        else:
            self.tell(
                "KZ135",
                "a comment begins with `#` and ends with its line here",
                "begin each of its lines with `#`",
                _hashed(text),
            )
        self.at += 1

    def directive(self, text: str) -> None:
        """`#!define` and its like."""
        parts = text.split(maxsplit=2)
        word = parts[0]
        way_out = "give a named value with `setting`, take in another file with `use`"
        if word == "#!define" and len(parts) == 3:
            way_out = f"write `setting {parts[1].lower()} = {parts[2]}`"
        self.tell("KZ134", f"there is no preprocessor, so no `{word}`", way_out)
        self.at += 1

    def number(self, text: str) -> None:
        """Digits with letters behind them."""
        first, dots, last = text.partition("..")
        if dots:
            way_out = f"write `x >= {first or 0} and x <= {last.lstrip('.') or '...'}`, or a list: [1, 2, 3]"
            self.tell("KZ108", f"there is no range `{text}`", way_out)
            self.put("OPEN_LIST", "[")
            self.keep("CLOSE_LIST", "]")
            return
        unit = _UNITS.fullmatch(text)
        if unit:
            self.tell(
                "KZ108", f"`{text}` has an unknown unit", f"write `{unit[1]}{unit[2]}`", f"{unit[1]}{unit[2]}"
            )
            self.keep("DURATION", f"{unit[1]}{unit[2]}")
            return
        self.tell(
            "KZ108",
            f"`{text}` is no number",
            f'durations are 500ms, 2s, 5m, 1h, 7d; write "{text}" for a text',
        )
        self.keep("INTEGER", "0")

    def text(self, text: str) -> None:
        """A text that does not end, or whose braces do not fit."""
        if "$" in text and self.dollars():
            return
        if len(text) > 1 and text.endswith('"') and not text.endswith('\\"'):
            self.tell(
                "KZ105",
                "the braces in this text do not fit",
                "write {{ and }} for braces; { } hold an expression",
            )
        else:
            self.tell(
                "KZ104", "this text is not closed", 'write a `"` at its end; a line end within it is \\n'
            )
        line = self.old.lines[self.at]
        self.keep("TEXT", '""')
        for close in _unclosed(text):
            if self.at < len(self.old.kinds) and self.old.lines[self.at] == line and self.next(0) == close:
                self.at += 1  # its partner went with the text

    def name(self, text: str) -> None:
        """A name with letters that no name has here."""
        self.tell("KZ107", f"`{text}` has a letter that names here do not have", "use a-z, A-Z, 0-9 and _")
        self.keep("NAME")

    def odd(self, text: str) -> None:
        """A character that begins nothing."""
        if text == "?":
            return self.question()
        if (text == "~" and self.tilde()) or (text in ("|", "&", "^") and self.bits(text)):
            return None
        said = text[0] if text[0].isprintable() else f"\\u{ord(text[0]):04x}"
        self.tell("KZ107", f"nothing begins with `{said}` here", "take it away", "", safe=False)
        self.at += 1
        return None

    def dollars(self) -> bool:
        """A text with pseudo-variables: it would be sent as it stands."""
        text = self.old.texts[self.at]
        new, changed = in_text(text)
        if not changed:
            return False
        message = "a text takes its values in braces here, so this `$` is sent as it stands"
        self.tell("KZ143", message, f"write {new}", new, safe=False)
        if self.old.kinds[self.at] == "TEXT" and new == text.replace("${", "{"):
            self.keep()  # what stands in the braces is read
        else:
            self.keep("TEXT", '""')
        return True

    def hyphen(self) -> bool:
        """A name with a hyphen in it."""
        if "EVENT_ROUTE" in self.old.kinds[max(0, self.at - 12) : self.at]:
            return False  # the name of an event that lacks its brackets
        wrong = f"{self.old.texts[self.at - 1]}-{self.old.texts[self.at + 1]}"
        new = wrong.replace("-", "_")
        span = self.span(self.at - 1, self.at + 1)
        fix = Fix(f"write `{new}`", (Edit(span, new),), safe=False)
        way_out = f"write `{new}`; a minus between two values has blanks around it"
        self.found.append(finding("KZ110", f"`{wrong}`: a name has no hyphens", span, help=way_out, fix=fix))
        self.new.kinds[-1], self.new.texts[-1] = "NAME", new
        self.at += 2
        return True


def _unclosed(text: str) -> list[str]:
    """The kinds of the brackets that would close those that a text holds, innermost first."""
    signs = {"(": "CLOSE", "[": "CLOSE_LIST", "{": "CLOSE_BRACE"}
    waiting: list[str] = []
    for char in text:
        if char in signs:
            waiting.append(signs[char])
        elif char in ")]}" and waiting:
            waiting.pop()
    return waiting[::-1]


def _regex(text: str) -> str:
    """The pattern that a text in quotes stood for."""
    inner = text[1:-1] if text[-1:] in "\"'" else text[1:]
    return "/" + inner.replace('\\"', '"').replace("\\\\", "\\").replace("/", "\\/") + "/"


def _hashed(text: str) -> str:
    lines = text.removeprefix("/*").removesuffix("*/").split("\n")
    kept = [line.strip().removeprefix("*").strip() for line in lines]
    return "\n".join(f"# {line}".rstrip() for line in kept if line) or "#"
