"""Calls: of words and subroutines, with their arguments; routing keys above all."""

from collections.abc import Sequence

from kzrules.language import types
from kzrules.language.checking.base import Base
from kzrules.language.checking.conditions import is_place
from kzrules.language.checking.kamailio import ANSWER_HELP, which
from kzrules.language.checking.names import Effects
from kzrules.language.checking.scope import Place
from kzrules.language.findings.nearest import counted, did_you_mean, one_of
from kzrules.language.findings.respell import respelt
from kzrules.language.findings.short import error, warning
from kzrules.language.slips.elsewhere import CALLS
from kzrules.language.tree import Argument, Call, Expr, Field, Index, Literal, Name
from kzrules.language.types import Info, cannot_be, said
from kzrules.language.word import REQUIRED, Doing, Kind, Parameter, Word

NO_REPLY = frozenset({Place.TIMER, Place.EXPIRED, Place.START, Place.CONNECTION, Place.AFTER})
POLICY = {"dead_letter", "drop", "by"}


class CallChecks(Base):
    """Checks of calls. `call` stands for a value; `done_call` for a statement of its own."""

    def call(self, expr: Call) -> Info:
        """A call whose value is used."""
        info = self.called(expr)
        word = self.names.words.get(expr.name)
        if word is not None and expr.name not in self.names.subroutines:
            if word.fallible:
                text = f"`{expr.name}` can fail, and stands inside another expression"
                way_out = (
                    f"give it a line of its own: let answer = {expr.name}(...) else (why) {{ retry(why) }}"
                )
                if self.only_looks:
                    text = f"`{expr.name}` can fail, and stands where an event is only looked at"
                    way_out = "ask in the body of the route"
                self.findings.add(error("KZ309", text, expr.name_span, help=way_out))
            self._gives_nothing(expr, gives=word.gives != types.NULL)
        elif expr.name in self.names.subroutines:
            self._gives_nothing(expr, gives=self.subroutine_returns(expr.name))
        return info

    def _gives_nothing(self, expr: Call, *, gives: bool) -> None:
        if not gives:
            text = f"`{expr.name}` gives no value"
            way_out = "give it a line of its own"
            if expr is self.next_line:
                way_out = "write a value behind the `=` of the line above, or take that line away"
            self.findings.add(error("KZ313", text, expr.name_span, help=way_out))

    def gives(self, expr: Expr) -> bool:
        """False: a call of a word or of a subroutine that gives no value."""
        if not isinstance(expr, Call):
            return True
        if expr.name in self.names.subroutines:
            return self.subroutine_returns(expr.name)
        word = self.names.words.get(expr.name)
        return word is None or word.gives != types.NULL

    def subroutine_returns(self, name: str) -> bool:
        """The subroutine has a `return E` somewhere."""
        effects = self.names.effects.get(name)
        return effects is None or effects.returns

    def called(self, expr: Call) -> Info:
        """A call, whether its value is used or not."""
        if expr.name in self.names.subroutines:
            return self._subroutine(expr)
        word = self.names.words.get(expr.name)
        if word is None:
            self._unknown(expr)
            self._each(expr.arguments)
            return types.UNKNOWN
        self._effects(word, expr)
        self._word_arguments(word, expr)
        return Info(None if word.gives == types.NULL else word.gives)

    def _each(self, arguments: Sequence[Argument]) -> None:
        for argument in arguments:
            self.infer(argument.value)

    def _unknown(self, expr: Call) -> None:
        if expr.name == "secret":
            text = "`secret(...)` may stand only where something logs in"
            way_out = 'write it in the broker block: login: secret("broker")'
            self.findings.add(error("KZ508", text, expr.span, help=way_out))
            return
        if self.maybe_declared(expr.name):
            return
        known = self.names.callable_names()
        way_out = CALLS.get(expr.name) or did_you_mean(
            expr.name, known, "the words are listed in docs/words.md"
        )
        if expr.name in POLICY:
            way_out = "it stands only in the settings of a subscription"
        text = f"there is no word `{expr.name}`"
        fix = None if expr.name in POLICY or expr.name in CALLS else respelt(expr.name_span, expr.name, known)
        self.findings.add(error("KZ202", text, expr.name_span, help=way_out, fix=fix))

    def _effects(self, word: Word, expr: Call) -> None:
        if word.fallible or word.doing is Doing.INCREMENT:
            self.effects.reaches_out.append(expr.name_span)
        if word.doing is Doing.INCREMENT and self.only_looks:
            text = f"`{word.name}` acts, and stands where an event is only looked at"
            self.findings.add(error("KZ310", text, expr.name_span, help="count in the body of the route"))
        if word.doing is Doing.ANSWER:
            if self.scope.place in NO_REPLY:
                text = f"nobody has asked: {self.scope.place.value} has nobody to answer"
                self.findings.add(error("KZ522", text, expr.name_span, help=ANSWER_HELP))
            else:
                self.effects.answers.append(expr.name_span)
        elif word.doing in (Doing.RPC, Doing.TELL):
            which(self.names, self.effects, word, expr, self.torn)
        if word.doing is Doing.REPLY and self.scope.place in NO_REPLY:
            text = f"nobody has asked: {self.scope.place.value} has nobody to reply to"
            self.findings.add(error("KZ512", text, expr.name_span, help="use `publish`"))

    # --- subroutines

    def _subroutine(self, expr: Call) -> Info:
        route = self.names.subroutines[expr.name]
        self.effects.calls.setdefault(expr.name, expr.name_span)
        self._each(expr.arguments)
        for argument in expr.arguments:
            if argument.name is not None:
                text = f"a subroutine takes its arguments in order, without `{argument.name}:`"
                self.findings.add(error("KZ302", text, argument.span))
                return types.UNKNOWN
        self.count(expr, len(expr.arguments), len(route.parameters), route.parameters)
        self._looks_only(expr)
        return types.UNKNOWN

    def _looks_only(self, expr: Call) -> None:
        effects = self.names.effects.get(expr.name, Effects())
        if self.only_looks and (effects.reaches_out or effects.retries or effects.rejects):
            text = f"`{expr.name}` acts or can fail, and stands where an event is only looked at"
            self.findings.add(error("KZ309", text, expr.name_span, help="call it in the body of the route"))

    def count(self, expr: Call, given: int, wanted: int, names: Sequence[str]) -> None:
        """The number of arguments."""
        if given != wanted:
            text = f"`{expr.name}` takes {counted(wanted, 'argument')}, and here are {given}"
            self.findings.add(error("KZ301", text, expr.span, help=f"it is {expr.name}({', '.join(names)})"))

    # --- words

    def _word_arguments(self, word: Word, expr: Call) -> None:
        by_name, placed = self._parameters(word)
        given: set[str] = set()
        for number, argument in enumerate(expr.arguments):
            parameter = self._parameter(word, argument, number, by_name, placed)
            if parameter is None:
                self.infer(argument.value)
                continue
            if parameter.name in given and not parameter.rest:
                text = f"`{parameter.name}` is given twice to `{word.name}`"
                self.findings.add(error("KZ302", text, argument.span))
            given.add(parameter.name)
            self._argument(word, parameter, argument.value)
        self._missing(word, expr, given)

    def _parameters(self, word: Word) -> tuple[dict[str, Parameter], list[Parameter]]:
        """Its parameters by name, and those that are given by place: worked out once a word."""
        known = self.names.signatures.get(word.name)
        if known is None:
            by_name = {parameter.name: parameter for parameter in word.parameters}
            known = (by_name, [parameter for parameter in word.parameters if not parameter.named])
            self.names.signatures[word.name] = known
        return known

    def _parameter(
        self,
        word: Word,
        argument: Argument,
        number: int,
        by_name: dict[str, Parameter],
        placed: list[Parameter],
    ) -> Parameter | None:
        if argument.name is not None:
            if argument.name in by_name:
                return by_name[argument.name]
            way_out = did_you_mean(argument.name, by_name, f"it takes {one_of(by_name)}" if by_name else "")
            text = f"`{word.name}` takes no argument `{argument.name}`"
            fix = respelt(argument.span, argument.name, by_name)
            self.findings.add(error("KZ302", text, argument.span, help=way_out, fix=fix))
            return None
        if number < len(placed):
            return placed[number]
        if placed and placed[-1].rest:
            return placed[-1]
        if number == len(placed):  # one mistake, however many follow
            text = f"`{word.name}` takes {counted(len(placed), 'argument')} by place, and this is one more"
            way_out = signature(word)
            if word.doing is Doing.LOG:
                way_out = 'a text takes its values in braces: "{.From} is {.State}"'
            self.findings.add(error("KZ301", text, argument.span, help=way_out))
        return None

    def _missing(self, word: Word, expr: Call, given: set[str]) -> None:
        if self.scope.place is Place.TEST and word.doing is not Doing.VALUE:
            return
        lacking = [
            parameter.name
            for parameter in word.parameters
            if parameter.default is REQUIRED and parameter.name not in given
        ]
        if lacking and len(expr.arguments) <= len(word.parameters):
            text = f"`{word.name}` needs {one_of(lacking).replace(' or ', ' and ')} too"
            self.findings.add(error("KZ301", text, expr.span, help=signature(word)))

    def _argument(self, word: Word, parameter: Parameter, value: Expr) -> None:
        if word.doing is Doing.INCREMENT and parameter is word.parameters[0]:
            self._entry(word, value)
            return
        info = self.infer(value)
        kinds = parameter.kinds | ({Kind.NULL} if parameter.default is None else set())
        if cannot_be(info.kinds, kinds):
            text = f"`{parameter.name}` of `{word.name}` is {said(parameter.kinds)}"
            text += f", and this is {said(info.kinds or frozenset())}"
            self.findings.add(error("KZ303", text, value.span, help=signature(word)))
        elif word.name == "key":
            self._segment(value, info)
        elif parameter.name in ("key", "exchange") and word.doing in (Doing.PUBLISH, Doing.QUERY):
            self._short(parameter, value)

    def _entry(self, word: Word, value: Expr) -> None:
        is_entry = isinstance(value, Index) and isinstance(value.base, Name)
        if is_entry and isinstance(value, Index) and isinstance(value.base, Name):
            is_entry = value.base.id in self.names.tables and self.scope.find(value.base.id) is None
        self.infer(value)
        if not is_entry:
            text = f"`{word.name}` counts in an entry of a table"
            self.findings.add(error("KZ321", text, value.span, help=f"write {word.name}(table[key])"))

    def _segment(self, value: Expr, info: Info) -> None:
        """A segment of a routing key."""
        if isinstance(value, Literal) and isinstance(value.value, str):
            self._literal_segment(value, value.value)
        elif isinstance(value, Field | Index) and is_place(value) and not self.scope.is_proven(value):
            if info.kinds is not None and Kind.NULL not in info.kinds:
                return
            spelt = f".{value.name}" if isinstance(value, Field) else "this field"
            text = f"`{spelt}` may be missing, and then there is no routing key: the rule fails"
            way_out = f'write `{spelt} ?? "unknown"`, or ask `{spelt} != null` before'
            self.findings.add(warning("KZ509", text, value.span, help=way_out))

    def _literal_segment(self, expr: Literal, segment: str) -> None:
        if segment in ("*", "#"):
            return
        found = [sign for sign in ".*#" if sign in segment]
        if found:
            text = f'the segment "{segment}" holds `{found[0]}`, which `key` writes as `%{ord(found[0]):X}`'
            parts = ", ".join(f'"{part}"' for part in segment.split("."))
            way_out = f"give each segment of its own: key({parts})" if "." in found else "take it out"
            self.findings.add(error("KZ510", text, expr.span, help=way_out))
        elif not segment:
            self.findings.add(error("KZ510", "a segment of a routing key is empty", expr.span))

    def _short(self, parameter: Parameter, value: Expr) -> None:
        if isinstance(value, Literal) and isinstance(value.value, str):
            size = len(value.value.encode("utf-8", "surrogatepass"))
            if size > 255:
                text = f"this `{parameter.name}` has {size} bytes, and AMQP allows 255"
                self.findings.add(error("KZ511", text, value.span, help="send the long part in the payload"))


def signature(word: Word) -> str:
    """How a word is called."""
    parts = [
        f"{parameter.name}..."
        if parameter.rest
        else f"{parameter.name}:"
        if parameter.named
        else parameter.name
        for parameter in word.parameters
    ]
    return f"it is {word.name}({', '.join(parts)})"
