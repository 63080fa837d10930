"""What a Kamailio author's fingers type becomes what is written here: each with a finding that says
so, and the parse goes on as if it had been written rightly. `parse` calls, where there is any.
"""

import re

from kzrules.language.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.finding import finding
from kzrules.language.kamailio import NULLS, ROUTES, SETTINGS, in_text, level_word, pseudo, word_of
from kzrules.language.lexer import SIGNIFICANT, Tokens
from kzrules.language.split import CLOSERS, OPENERS
from kzrules.language.tree import Span

NAMES = frozenset(
    {"xlog", "xinfo", "xwarn", "xerr", "xdbg", "exit", "drop", "elseif", "elsif", "elif", "switch", "while"}
    | {"kazoo_publish", "kazoo_query", "kazoo_subscribe", "kazoo_encode", "kazoo_json"}
    | NULLS.keys() | ROUTES | SETTINGS
)  # fmt: skip
FAR = 5000
"""How many tokens ahead a closing bracket is looked for."""
_UNITS = re.compile(r"([0-9]+)(ms|s|m|h|d)[a-z]*")
_BEFORE_STATEMENT = {"OPEN_BRACE", "CLOSE_BRACE", "SEMICOLON", "CLOSE"}
_BARE = {"BOTH": ("AND", "and", "KZ120"), "EITHER": ("OR", "or", "KZ121")}


def needed(tokens: Tokens) -> bool:
    """Whether anything in a file is not as it is written here."""
    kinds = tokens.kinds
    return (
        tokens.aliens
        or not NAMES.isdisjoint(tokens.texts)
        or "$" in tokens.text
        or any(
            kind == "ROUTE" and kinds[at + 1 : at + 2] in (["OPEN"], ["OPEN_LIST"], ["OPEN_BRACE"])
            for at, kind in enumerate(kinds)
        )
        or any(kind == "MATCHES" and kinds[at + 1 : at + 2] != ["REGEX"] for at, kind in enumerate(kinds))
        or any(kind == "MINUS" and _tight(tokens, at) for at, kind in enumerate(kinds))
    )


def translated(tokens: Tokens, path: str, found: list[Diagnostic]) -> Tokens:
    """Return the tokens as they would stand here; what was changed is told."""
    return _Translation(tokens, path, found).run()


def _tight(tokens: Tokens, at: int) -> bool:
    """Whether a minus touches a name on both sides: it is meant as a hyphen."""
    if not 0 < at < len(tokens.kinds) - 1 or tokens.kinds[at - 1] in ("FIELD", "FURTHER"):
        return False
    touches = tokens.ends[at - 1] == tokens.starts[at] and tokens.ends[at] == tokens.starts[at + 1]
    return touches and tokens.texts[at - 1][0].isalpha() and tokens.texts[at + 1][0].isalpha()


class _Translation:
    def __init__(self, tokens: Tokens, path: str, found: list[Diagnostic]) -> None:
        self.old = tokens
        self.path = path
        self.found = found
        self.new = Tokens(tokens.text, line_starts=tokens.line_starts, trivia=tokens.trivia)
        self.at = 0
        self.known: set[str] = set()
        self.stops: list[Span] = []
        self.braces = 0

    def run(self) -> Tokens:
        while self.at < len(self.old.kinds):
            kind = self.old.kinds[self.at]
            if kind in SIGNIFICANT:
                self.alien(kind)
            elif not self.familiar(kind):
                self.keep()
        if self.stops:
            self._semicolons()
        return self.new

    # --- tokens

    def span(self, first: int, last: int | None = None) -> Span:
        old, last = self.old, first if last is None else last
        line = old.lines[last] + old.text.count("\n", old.starts[last], old.ends[last])
        end = old.ends[last] - (old.text.rfind("\n", 0, old.ends[last]) + 1)
        return Span(self.path, old.lines[first], old.column(first), line, end + 1)

    def keep(self, kind: str = "", text: str = "") -> None:
        """Take a token over, or another one in its place."""
        self.put(kind or self.old.kinds[self.at], text or self.old.texts[self.at])
        self.at += 1

    def put(self, kind: str, text: str) -> None:
        old, at = self.old, min(self.at, len(self.old.kinds) - 1)
        self.braces += (kind == "OPEN_BRACE") - (kind == "CLOSE_BRACE")
        self.new.add(kind, text, old.starts[at], old.ends[at], old.lines[at])

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
        span = self.span(self.at, min(self.at + count, len(self.old.kinds)) - 1)
        change = None if fix is None else Fix(way_out, (Edit(span, fix),), safe=safe)
        self.found.append(finding(code, message, span, help=way_out, fix=change))

    def next(self, ahead: int = 1) -> str:
        place = self.at + ahead
        return self.old.kinds[place] if place < len(self.old.kinds) else ""

    def begins(self) -> bool:
        """Whether a statement may begin here."""
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

    # --- what is no token here

    def alien(self, kind: str) -> None:
        """A token of another language."""
        text = self.old.texts[self.at]
        if kind in _BARE:
            new, word, code = _BARE[kind]
            self.tell(code, f"`{text}` is written `{word}` here", f"write `{word}`", self.spaced(word))
            self.keep(new, word)
            return
        doing = {
            "BANG": self.bang, "LIKE": self.like, "SAME": self.same, "UNLIKE": self.same,
            "CHANGE": self.change,
            "SEMICOLON": self.semicolon, "PSEUDO": self.pseudo, "QUOTED": self.quoted,
            "LINE_COMMENT": self.comment, "BLOCK_COMMENT": self.comment, "HASH_DIRECTIVE": self.directive,
            "ODD_NUMBER": self.number, "ODD_TEXT": self.text, "ODD_NAME": self.name,
        }  # fmt: skip
        doing.get(kind, self.odd)(text)

    def spaced(self, word: str) -> str:
        """A word with blanks where it would touch what stands beside it."""
        text, start, end = self.old.text, self.old.starts[self.at], self.old.ends[self.at]
        before = "" if text[start - 1 : start].isspace() else " "
        return before + word + ("" if text[end : end + 1].isspace() else " ")

    def bang(self, _text: str) -> None:
        safe = self.next() in ("OPEN", "NAME") and self.next(2) not in ("EQUAL", "UNEQUAL")
        self.tell("KZ122", "`!` is written `not` here", "write `not`", "not ", safe=safe)
        self.keep("NOT", "not")

    def like(self, text: str) -> None:
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

    def same(self, text: str) -> None:
        kind, word = ("EQUAL", "==") if text == "===" else ("UNEQUAL", "!=")
        self.tell("KZ144", f"`{text}` is written `{word}` here", f"write `{word}`", word)
        self.keep(kind, word)

    def change(self, text: str) -> None:
        name = self.new.texts[-1] if self.new.kinds and self.new.kinds[-1] == "NAME" else "x"
        if text in ("++", "--"):
            self.tell("KZ144", f"there is no `{text}`", f"write `{name} = {name} {text[0]} 1`")
            for kind, word in (("SET", "="), ("NAME", name), ("PLUS", "+"), ("INTEGER", "1")):
                self.put(kind, word)
            self.at += 1
            return
        way_out = (
            f'write `{name} = "{{{name}}}..."`' if text == ".=" else f"write `{name} = {name} {text[0]} ...`"
        )
        self.tell("KZ144", f"there is no `{text}`", way_out)
        self.keep("SET", "=")

    def semicolon(self, _text: str) -> None:
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
        inner = text[1:-1].replace("\\'", "'")
        plain = not set(inner) & set('"{}$')
        new = '"' + inner.replace('"', '\\"') + '"'
        self.tell("KZ136", "a text stands in double quotes here", f"write {new}", new, safe=plain)
        self.keep("TEXT", new if plain else '""')

    def comment(self, text: str) -> None:
        if text.startswith("//"):
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
        parts = text.split(maxsplit=2)
        word = parts[0]
        way_out = "give a named value with `setting`, take in another file with `use`"
        if word == "#!define" and len(parts) == 3:
            way_out = f"write `setting {parts[1].lower()} = {parts[2]}`"
        self.tell("KZ134", f"there is no preprocessor, so no `{word}`", way_out)
        self.at += 1

    def number(self, text: str) -> None:
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
        self.keep("TEXT", '""')

    def name(self, text: str) -> None:
        self.tell("KZ107", f"`{text}` has a letter that names here do not have", "use a-z, A-Z, 0-9 and _")
        self.keep("NAME")

    def odd(self, text: str) -> None:
        said = text if text.isprintable() else f"\\u{ord(text):04x}"
        self.tell("KZ107", f"nothing begins with `{said}` here", "take it away", "", safe=False)
        self.at += 1

    # --- tokens of ours in a place or a way that is not

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
        return kind == "NAME" and text in NAMES and self.word(text)

    def dollars(self) -> bool:
        """A text with pseudo-variables: it would be sent as it stands."""
        text = self.old.texts[self.at]
        new, changed = in_text(text)
        if not changed:
            return False
        message = "a text takes its values in braces here, so this `$` is sent as it stands"
        self.tell("KZ143", message, f"write {new}", new, safe=False)
        self.keep("TEXT", '""')
        return True

    def hyphen(self) -> bool:
        wrong = f"{self.old.texts[self.at - 1]}-{self.old.texts[self.at + 1]}"
        new = wrong.replace("-", "_")
        span = self.span(self.at - 1, self.at + 1)
        fix = Fix(f"write `{new}`", (Edit(span, new),), safe=False)
        way_out = f"write `{new}`; a minus between two values has blanks around it"
        self.found.append(finding("KZ110", f"`{wrong}`: a name has no hyphens", span, help=way_out, fix=fix))
        self.new.kinds[-1], self.new.texts[-1] = "NAME", new
        self.at += 2
        return True

    def route(self) -> bool:
        """`route(X)` calls, `route[X]` declares."""
        kinds = self.old.kinds[self.at : self.at + 5]
        if kinds[1:2] == ["OPEN"] and kinds[3:4] == ["CLOSE"] and kinds[4:5] != ["OPEN_BRACE"]:
            name = word_of(self.old.texts[self.at + 2])
            self.tell(
                "KZ132", "a subroutine is called by its name", f"write `{name}()`", f"{name}()", count=4
            )
            self.put("NAME", name)
            self.put("OPEN", "(")
            self.put("CLOSE", ")")
            self.at += 4
            return True
        if kinds[1:2] == ["OPEN_LIST"] and len(kinds) > 2:
            return self.declared(
                word_of(self.old.texts[self.at + 2]), self.close_of(self.at + 1) + 1 - self.at
            )
        return (
            kinds[1:2] == ["OPEN_BRACE"] and self.begins() and not self.inside() and self.declared("name", 1)
        )

    def inside(self) -> bool:
        """Whether a brace is open."""
        return self.braces > 0

    def declared(self, name: str, count: int) -> bool:
        """A route of Kamailio's, taken as a subroutine."""
        word = self.old.texts[self.at]
        way_out = f"write `route {name}() {{ }}` for a subroutine, `event_route[...] {{ }}` for an event"
        fix = f"route {name}()" if word == "route" and name != "name" else None
        self.tell("KZ141", f"`{word}` of this form is Kamailio's", way_out, fix, count=count)
        for kind, text in (("ROUTE", "route"), ("NAME", name), ("OPEN", "("), ("CLOSE", ")")):
            self.put(kind, text)
        self.at += count
        return True

    def word(self, text: str) -> bool:
        """A word of Kamailio's or another language's, in the place where it would stand."""
        if text in NULLS and self.next() not in ("OPEN", "COLON", "SET", "OPEN_LIST"):
            new = NULLS[text]
            self.tell("KZ145", f"`{text}` is written `{new}` here", f"write `{new}`", new)
            self.keep(new.upper(), new)
            return True
        if self.next() == "OPEN" and text.startswith("x") and len(text) < 6:
            return self.log(text)
        if text.startswith("kazoo_"):
            return self.kazoo(text)
        return self.statement_word(text)

    def statement_word(self, text: str) -> bool:
        """A word that begins a statement or a declaration elsewhere."""
        if (
            text in ("exit", "drop")
            and self.begins()
            and self.next() not in ("SET", "COLON")
            and self.inside()
        ):
            self.tell(
                "KZ131",
                f"there is no `{text}`: an event ends with `done`, `retry` or `reject`",
                "write `done`",
                "done",
                safe=text == "exit",
            )
            self.keep("DONE", "done")
        elif text in ("elseif", "elsif", "elif"):
            self.tell("KZ138", f"`{text}` is written `else if` here", "write `else if`", "else if")
            self.put("ELSE", "else")
            self.keep("IF", "if")
        elif text == "while" and self.next() in ("OPEN", "NAME", "NOT", "BANG", "PSEUDO", "TRUE", "FIELD"):
            self.tell(
                "KZ140", "there is no `while`: loops run over what is there", "write `for v in list { }`"
            )
            self.keep("IF", "if")
        elif text == "switch" and self.next() == "OPEN":
            self.switch()
        elif (
            text in ROUTES
            and self.begins()
            and not self.inside()
            and self.next() in ("OPEN_BRACE", "OPEN_LIST")
        ):
            count = 1 if self.next() == "OPEN_BRACE" else self.close_of(self.at + 1) + 1 - self.at
            return self.declared(text, count)
        elif text in SETTINGS and self.begins() and not self.inside():
            self.setting(text)
        else:
            return False
        return True

    def switch(self) -> None:
        """The whole of it is left out: its arms are shaped otherwise."""
        brace = self.close_of(self.at + 1) + 1
        way_out = 'write match VALUE { "a" => { ... } else => { ... } }, without `break`'
        self.tell("KZ139", "`switch` is written `match` here", way_out)
        self.at = self.close_of(brace) + 1 if self.old.kinds[brace : brace + 1] == ["OPEN_BRACE"] else brace

    def setting(self, text: str) -> None:
        way_out = "say where to connect in `broker { }`, and take in other files with `use`"
        self.tell("KZ142", f"`{text}` is a setting of Kamailio's own", way_out)
        line = self.old.lines[self.at]
        while self.at < len(self.old.kinds) and self.old.lines[self.at] == line:
            self.at += 1

    def log(self, text: str) -> bool:
        """`xlog("L_INFO", "...")` becomes `info("...")`."""
        first = self.old.texts[self.at + 2] if self.next(2) in ("TEXT", "NAME") else ""
        word = level_word(text, first)
        count = 4 if self.next(3) == "COMMA" and "L_" in first else 2
        rest = self.old.starts[self.at + count] if self.at + count < len(self.old.starts) else 0
        gap = self.old.text[self.old.ends[self.at + count - 1] : rest]
        self.tell(
            "KZ129",
            f"`{text}` is written `{word}` here",
            f"write `{word}(...)`",
            f"{word}(",
            count=count,
            safe=not gap.strip(),
        )
        self.put("NAME", word)
        self.put("OPEN", "(")
        self.at += count
        return True

    def kazoo(self, text: str) -> bool:
        """A function of the module becomes the word that does its work."""
        words = {"kazoo_publish": "publish", "kazoo_query": "query", "kazoo_encode": "kz_encode"}
        new = words.get(text)
        if new is None or self.next() != "OPEN":
            way_out = (
                "declare it: `subscribe NAME { }`"
                if text == "kazoo_subscribe"
                else "write a field: `.Call-ID`"
            )
            self.tell("KZ130", f"there is no `{text}`", way_out)
            self.put("NAME", "info")
            self.at = (self.close_of(self.at + 1) if self.next() == "OPEN" else self.at) + 1
            for kind, sign in (("OPEN", "("), ("TEXT", '""'), ("CLOSE", ")")):
                self.put(kind, sign)
            return True
        self.tell("KZ130", f"`{text}` is written `{new}` here", f"write `{new}`", new, safe=new == "publish")
        self.keep("NAME", new)
        return True


def _regex(text: str) -> str:
    """The pattern that a text in quotes stood for."""
    inner = text[1:-1] if text[-1:] in "\"'" else text[1:]
    return "/" + inner.replace('\\"', '"').replace("\\\\", "\\").replace("/", "\\/") + "/"


def _hashed(text: str) -> str:
    lines = text.removeprefix("/*").removesuffix("*/").split("\n")
    kept = [line.strip().removeprefix("*").strip() for line in lines]
    return "\n".join(f"# {line}".rstrip() for line in kept if line) or "#"
