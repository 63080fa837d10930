"""Words of Kamailio's and of other languages, each in the place where it would stand."""

from kzrules.language.slips.elsewhere import COMPARES, NEEDLESS, OPERATORS
from kzrules.language.slips.fingers_other import Other
from kzrules.language.slips.kamailio import NULLS, ROUTES, SETTINGS, level_word, word_of

BETWEEN = OPERATORS.keys() | COMPARES.keys()
BEFORE = NEEDLESS.keys() | {"lambda"}


class Words(Other):
    """Names that mean something elsewhere; `route` in the forms of Kamailio."""

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
        if text in BETWEEN:
            return self.between(text)
        if text in BEFORE:
            return self.needless(text)
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
        elif (
            text == "while" and self.new.kinds[-1:] == ["CLOSE_BRACE"] and not self.old.first_on_line(self.at)
        ):
            self.at = (self.close_of(self.at + 1) if self.next() == "OPEN" else self.at) + 1  # of a `do`
        elif text == "while" and self.next() in ("OPEN", "NAME", "NOT", "BANG", "PSEUDO", "TRUE", "FIELD"):
            self.tell(
                "KZ140", "there is no `while`: loops run over what is there", "write `for v in list { }`"
            )
            self.keep("IF", "if")
        elif text == "switch" and self.next() in ("OPEN", "FIELD", "NAME", "PSEUDO"):
            self.switch()
        elif text in ("break", "continue") and self.begins() and self.inside() and not self.is_named():
            way_out = "put what follows into an `if`, or the loop into a subroutine that `return` leaves"
            self.tell("KZ146", f"there is no `{text}`: a loop runs over all that is there", way_out)
            self.at += 1
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
        brace = self.close_of(self.at + 1) + 1 if self.next() == "OPEN" else self.brace_on_line()
        way_out = 'write match VALUE { "a" => { ... } else => { ... } }, without `break`'
        self.tell("KZ139", "`switch` is written `match` here", way_out)
        self.at = self.close_of(brace) + 1 if self.old.kinds[brace : brace + 1] == ["OPEN_BRACE"] else brace

    def is_named(self) -> bool:
        """A variable, a setting or a subroutine is called so."""
        return self.next() in ("SET", "COLON", "OPEN")

    def brace_on_line(self) -> int:
        """The next opening brace of this line, or what follows the line."""
        at, line = self.at, self.old.lines[self.at]
        while at < len(self.old.kinds) and self.old.lines[at] == line and self.old.kinds[at] != "OPEN_BRACE":
            at += 1
        return at

    def setting(self, text: str) -> None:
        """A line of Kamailio's own settings is left out."""
        if text in ("include_file", "import_file") and self.next() == "TEXT":
            self.tell("KZ142", f"`{text}` is written `use` here", "write `use`", "use")
            self.keep("USE", "use")
            return
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
