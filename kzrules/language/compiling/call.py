"""Calls to Python: words by what they do, and subroutines."""

from collections.abc import Mapping
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language import values
from kzrules.language.compiling.operator import Operators
from kzrules.language.compiling.python import Expression
from kzrules.language.compiling.unit import SMALL, TEXT, TRUTH, Made, fixed, route_name, word_name
from kzrules.language.compiling.value import PAYLOAD, RUN, Unfit
from kzrules.language.tree import Call, Expr, Index, Name
from kzrules.language.word import ASKING, REQUIRED, Doing, Kind, Parameter, Word
from kzrules.message.outcome import Place

GROWING = frozenset({Kind.TEXT, Kind.LIST, Kind.OBJECT})
"""Kinds whose size can grow from one value to the next."""


class Calls(Operators):
    """The calls of one function."""

    def _call(self, expr: Call) -> Made:
        around = self.unit.around
        if expr.name in around.routes:
            return self._subroutine(expr), 0
        word = around.words.get(expr.name)
        if word is None:
            raise Unfit(f"there is no word {expr.name}")
        match word.doing:
            case Doing.VALUE:
                return self._word(word, expr)
            case Doing.LOG:
                return self._log(word, expr), SMALL
            case Doing.PUBLISH | Doing.REPLY | Doing.ANSWER | Doing.TELL:
                name = "respond" if word.doing is Doing.ANSWER else word.doing.value
                return self.run(name, *self._arguments(word, expr)), SMALL
            case Doing.QUERY | Doing.RPC:
                return self.run("answer", self.py.wait(self.question(expr))), 0
        return self._increment(word, expr), SMALL

    def question(self, expr: Call) -> Expression:
        """What is handed out at a wait; the answer comes in its place."""
        word = self.unit.around.words[expr.name]
        if word.doing is Doing.QUERY:
            return self.run("query", *self._arguments(word, expr))
        self.unit.words.add(word.name)
        return self.run("rpc", self.py.name(word_name(word.name)), *self._arguments(word, expr))

    def is_question(self, expr: Call) -> bool:
        """A call that is a wait itself, not one that merely has one inside."""
        if expr.name in self.unit.around.routes:
            return False
        word = self.unit.around.words.get(expr.name)
        return word is not None and word.doing in ASKING

    def _subroutine(self, expr: Call) -> Expression:
        given = [self.plain(argument.value) for argument in expr.arguments]
        name = route_name(expr.name)
        call = self.py.call(self.py.name(name), self.py.name(RUN), self.py.name(PAYLOAD), *given)
        return self.py.wait_within(call) if name in self.unit.around.waiting else call

    def _word(self, word: Word, expr: Call) -> Made:
        folded = self._folded(word, expr)
        if folded is not None:
            return folded
        if word.call is None:
            raise Unfit(f"the word {word.name} cannot be called")
        self.unit.words.add(word.name)
        known = self._known_of(word)
        in_place = self._in_place(word, expr)
        if in_place is not None:
            return in_place, known
        name = self.py.name(word_name(word.name))
        arguments = self._arguments(word, expr)
        if word.needs_run or word.needs_budget:
            arguments.insert(0, self.py.name(RUN))
        if self.repeated:
            return self.run("call", name, *arguments), known
        made = self.py.call(name, *arguments)
        grows = bool(word.gives & GROWING) and not all(self._is_small(one.value) for one in expr.arguments)
        return (self.run("bounded", made) if grows else made), known

    def _in_place(self, word: Word, expr: Call) -> Expression | None:
        """The word's own Python, where the first argument turns out to be a text and the others are."""
        if word.in_place is None or not expr.arguments or self.repeated or self.unit.watched:
            return None
        first, *rest = [argument.value for argument in expr.arguments]
        given = [self.setting(one) for one in rest]
        if any(argument.name for argument in expr.arguments) or len(rest) + 1 != len(word.parameters):
            return None
        if not all(known and value.__class__ is str for known, value in given):
            return None
        py = self.py
        text, again = self.once(self.plain(first))
        constants = [py.constant(value) for _, value in given]
        names = [parameter.name for parameter in word.parameters]
        fast = py.written(word.in_place, dict(zip(names, [again, *constants], strict=True)))
        pays = [py.name(RUN)] if word.needs_budget else []
        slow = py.call(py.name(word_name(word.name)), *pays, again, *constants)
        return py.either(py.is_class(text, "str"), fast, slow)

    def _known_of(self, word: Word) -> int:
        known = {frozenset({Kind.TEXT}): TEXT, frozenset({Kind.TRUTH}): TRUTH}.get(word.gives, 0)
        return known if word.gives & GROWING else known | SMALL

    def _folded(self, word: Word, expr: Call) -> Made | None:
        """What a pure word gives for constants, worked out now."""
        if not word.pure or word.needs_run or word.call is None:
            return None
        given = [(argument.name, *self.setting(argument.value)) for argument in expr.arguments]
        if not all(known for _, known, _ in given):
            return None
        placed = [value for name, _, value in given if name is None]
        named = {name: value for name, _, value in given if name is not None}
        pays = [values.FREE] if word.needs_budget else []
        try:
            result = word.call(*pays, *_bound(word, placed, named))
        except RuleFailure:
            return None  # it fails where it stands, when it runs
        known = {str: TEXT, bool: TRUTH}.get(type(result), 0)
        return fixed(self.unit, self.py, result), known | SMALL

    def _arguments(self, word: Word, expr: Call) -> list[Expression]:
        placed = [one.value for one in expr.arguments if one.name is None]
        named = {one.name: one.value for one in expr.arguments if one.name is not None}
        return [
            self.plain(given.value) if isinstance(given, _Given) else fixed(self.unit, self.py, given)
            for given in _bound(
                word,
                [_Given(value) for value in placed],
                {name: _Given(value) for name, value in named.items()},
            )
        ]

    def _log(self, word: Word, expr: Call) -> Expression:
        (given,) = (argument.value for argument in expr.arguments)
        place = fixed(self.unit, self.py, Place(self.unit.path, expr.span.line))
        return self.run("log", self.py.constant(word.name), self.as_text(given), place)

    def _increment(self, word: Word, expr: Call) -> Expression:
        placed = [one.value for one in expr.arguments if one.name is None]
        named = {one.name: one.value for one in expr.arguments if one.name is not None}
        entry, by = _bound(word, placed, named)
        if not (isinstance(entry, Index) and isinstance(entry.base, Name)):
            raise Unfit(f"{word.name} counts in an entry of a table")
        step = self.py.constant(by) if isinstance(by, int) else self.plain(by)
        return self.run("increment", self.py.constant(entry.base.id), self.plain(entry.key), step)


class _Given:
    """An expression among values: an argument that was written, beside the defaults of others."""

    __slots__ = ("value",)

    def __init__(self, value: Expr) -> None:
        self.value = value


def _bound(word: Word, placed: list[Any], named: Mapping[Any, Any]) -> list[Any]:
    """The arguments in the order of the word's parameters, with defaults for those left out."""
    waiting, made = list(placed), []
    for parameter in word.parameters:
        if parameter.rest:
            made.extend(waiting)
            waiting = []
        elif waiting and not parameter.named:
            made.append(waiting.pop(0))
        else:
            made.append(_named(word, parameter, named))
    return made


def _named(word: Word, parameter: Parameter, named: Mapping[Any, Any]) -> Any:
    if parameter.name in named:
        return named[parameter.name]
    if parameter.default is REQUIRED:
        raise Unfit(f"{word.name} needs {parameter.name}")
    return parameter.default
