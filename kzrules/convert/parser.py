"""Tokens to the tree of a configuration: its blocks, parameters and statements. `pick` reads the tree.

Global settings and module parameters that have nothing to do with rules are passed over; inside of
routes every statement is read, for a rule that is half understood would be half wrong.
"""

from collections.abc import Sequence
from dataclasses import replace

from kzrules.convert import nodes as n
from kzrules.convert.lexer import END, NUMBER, SIGN, TEXT, VARIABLE, WORD, Lexer, Token
from kzrules.convert.place import UnreadableError
from kzrules.convert.preprocess import Line
from kzrules.convert.value_parser import DEEPEST, ValueParser

BLOCKS = frozenset(
    {
        "route", "request_route", "event_route", "onreply_route", "reply_route", "failure_route",
        "branch_route", "onsend_route",
    }
)  # fmt: skip
_LEAVES = frozenset({"return", "exit", "drop", "break"})


class Parser(ValueParser):
    """Reads blocks, parameters and statements."""

    # --- the top of a file

    def config(self) -> n.Config:
        """Everything in a configuration."""
        blocks: list[n.Block] = []
        parameters: list[n.Parameter] = []
        made = n.Config()
        while self.now.kind != END:
            if self.is_word(*BLOCKS) and self._opens_block():
                blocks.append(self._any_block())
            elif self.is_word("modparam", "modparamx"):
                parameters += self._parameter()
            else:
                self._setting(made)
        return n.Config(tuple(blocks), tuple(parameters), made.settings)

    def _opens_block(self) -> bool:
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        return following.kind == SIGN and following.text in ("[", "{")

    def _any_block(self) -> n.Block:
        """A block; one that cannot be read is passed over, for it may be about SIP alone."""
        start = self.at
        try:
            return self._block()
        except UnreadableError as why:
            self.at, self.depth = start, 0
            return self._passed_over(why)

    def _passed_over(self, why: UnreadableError) -> n.Block:
        """To the brace that closes the block; the end of the file in its place is a mistake for sure."""
        first = self.next()
        name = self._route_name() if self.is_sign("[") else ""
        depth = 0
        while True:
            if self.now.kind == END:
                raise why
            depth += {"{": 1, "}": -1}.get(self.next().text, 0)
            if depth == 0:
                break
        if name.startswith("kazoo:"):
            raise why
        return n.Block(first.text, name, n.Body(()), first.place, _before(first), why)

    def _block(self) -> n.Block:
        first = self.next()
        name = self._route_name() if self.is_sign("[") else ""
        if name and not self.is_sign("{"):
            raise UnreadableError(f"a `{{` opens the route `{name}`", self.now.place)
        return n.Block(first.text, name, self.body(), first.place, _before(first))

    def _route_name(self) -> str:
        opened = self.next()
        parts: list[str] = []
        while not self.is_sign("]"):
            if self.now.kind == END or self.now.place.line != opened.place.line:
                raise UnreadableError("the name of a route ends with `]`", opened.place)
            parts.append(self.next().text)
        self.next()
        return "".join(parts)

    def _parameter(self) -> list[n.Parameter]:
        first = self.next()
        self.sign("(", "the parameter of a module")
        given: list[tuple[str | int, Token]] = []
        while not self.took(")"):
            token = self.next()
            if token.kind == END:
                raise UnreadableError("a parameter ends with `)`", first.place)
            if token.kind == TEXT:
                given.append((token.text + self._more_text(), token))
            elif token.kind == NUMBER:
                given.append((int(token.text, 0), token))
            elif token.text != ",":
                given.append((token.text, token))
        if len(given) < 3:
            raise UnreadableError('a parameter is written as modparam("module", "name", value)', first.place)
        minus = len(given) > 3 and given[2][0] == "-"
        value = -int(given[3][0]) if minus and isinstance(given[3][0], int) else given[2][0]
        modules = tuple(str(given[0][0]).split("|"))
        return [n.Parameter(modules, str(given[1][0]), value, given[2][1].place, _before(first))]

    def _setting(self, made: n.Config) -> None:
        """A global setting; those with a dot in their name are kept."""
        first = self.next()
        if first.kind == WORD and self.is_sign(".") and self.tokens[self.at + 1].kind == WORD:
            self.next()
            name = self.next()
            if self.took("="):
                minus = self.took("-")
                value = self.next()
                read: str | int = int(value.text, 0) if value.kind == NUMBER else value.text
                made.settings[first.text, name.text] = (
                    -read if minus and isinstance(read, int) else read,
                    first.place,
                )
                if self.is_word("descr", "desc"):
                    self.next()
                    self.next()
                return
        while self.now.kind != END and self.now.place[:2] == first.place[:2]:
            self.next()

    # --- statements

    def body(self) -> n.Body:
        """`{ ... }`, or one statement."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableError("blocks lie too deep in each other here", self.now.place)
        opened = self.now
        if not self.took("{"):
            steps = self.step()
            self.depth -= 1
            return n.Body(tuple(steps))
        steps = []
        while not self.is_sign("}"):
            if self.now.kind == END:
                raise UnreadableError("this block is never closed: a `}` is missing", opened.place)
            self._step_into(steps)
        last = self.next()
        self.depth -= 1
        inside = self._trailing(steps, last)
        return n.Body(tuple(steps), inside)

    def _step_into(self, steps: list[n.AnyStep]) -> None:
        """Read a statement; a comment that trails the one before it goes there."""
        first = self.now
        before = self._trailing(steps, first)
        made = self.step()
        if made and made[0].before == first.comments:
            made[0] = replace(made[0], before=before)
        steps += made

    @staticmethod
    def _trailing(steps: list[n.AnyStep], token: Token) -> tuple[str, ...]:
        """A comment behind a statement, on its line, is found at the token that follows; gives the rest."""
        if token.trailing and steps and token.comments:
            steps[-1] = replace(steps[-1], trailing=token.comments[0])
            return token.comments[1:]
        return token.comments

    def step(self) -> list[n.AnyStep]:  # noqa: PLR0911  one case for each kind of statement
        """One statement; several where a block stands in a block, none for a lone `;`."""
        if self.took(";"):
            return []
        if self.is_sign("{"):
            return list(self.body().steps)
        first = self.now
        if first.kind == VARIABLE:
            return [self._set()]
        if first.kind != WORD:
            raise UnreadableError(f"no statement begins with {first}", first.place)
        if first.text == "if":
            return [self._if()]
        if first.text == "while":
            self.next()
            return [n.While(self._condition(), self.body(), place=first.place, before=_before(first))]
        if first.text == "switch":
            return [self._switch()]
        if first.text in _LEAVES:
            return [self._leave()]
        return [self._do()]

    def _ends(self) -> None:
        """The `;` behind a statement; Kamailio takes its absence before `}` and behind blocks."""
        if not self.took(";") and not self.is_sign("}") and self.now.kind != END:
            raise UnreadableError(f"a `;` is missing before {self.now}", self.now.place)

    def _set(self) -> n.Set:
        first = self.next()
        target = n.Variable(first.text, first.place)
        self.sign("=", f"`{first.text}` is set with `=`")
        value = self.value()
        self._ends()
        return n.Set(target, value, place=first.place, before=_before(first))

    def _if(self) -> n.If:
        first = self.next()
        condition, then = self._condition(), self.body()
        otherwise = None
        if self.is_word("else"):
            self.next()
            otherwise = self.body()
        return n.If(condition, then, otherwise, place=first.place, before=_before(first))

    def _condition(self) -> n.Value:
        self.sign("(", "a condition stands in parentheses")
        condition = self.value()
        self.sign(")", "a condition ends")
        return condition

    def _switch(self) -> n.Switch:
        first = self.next()
        subject = self._condition()
        self.sign("{", "the cases of a switch")
        cases: list[n.Case] = []
        while not self.took("}"):
            word = self.next()
            if word.text not in ("case", "default"):
                raise UnreadableError(f"a switch holds `case` and `default`, not {word}", word.place)
            value = None
            if word.text == "case":
                if self.is_sign("/"):
                    raise UnreadableError("a `case` with a pattern is not read: write an `if`", word.place)
                value = self.value()
            self.sign(":", "a case")
            steps: list[n.AnyStep] = []
            while not self.is_word("case", "default") and not self.is_sign("}"):
                if self.now.kind == END:
                    raise UnreadableError("this switch is never closed: a `}` is missing", first.place)
                self._step_into(steps)
            cases.append(n.Case(value, n.Body(tuple(steps))))
        return n.Switch(subject, tuple(cases), place=first.place, before=_before(first))

    def _leave(self) -> n.Leave:
        first = self.next()
        value = None
        if self.is_sign("("):
            self.next()
            value = None if self.is_sign(")") else self.value()
            self.sign(")", f"`{first.text}(...)` ends")
        elif not self.is_sign(";", "}"):
            value = self.value()
        self._ends()
        return n.Leave(first.text, value, place=first.place, before=_before(first))

    def _do(self) -> n.Do:
        first = self.now
        value = self._operand()
        if not isinstance(value, n.Call):
            raise UnreadableError(f"{first} is no statement", first.place)
        self._ends()
        return n.Do(value, place=first.place, before=_before(first))


def _before(token: Token) -> tuple[str, ...]:
    """The comments on the lines before a token; `body` gives away one that trails."""
    return token.comments


def parse(lines: Sequence[Line]) -> n.Config:
    """Read a preprocessed configuration."""
    return Parser(list(Lexer(lines).tokens())).config()
