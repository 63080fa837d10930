"""Values that are known at load: what `setting`, `subscribe`, `table` and `broker` are given.

`Constants.value` evaluates an expression over the settings; what it cannot know raises `Unknown`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.findings.nearest import did_you_mean
from kzrules.language.slips.elsewhere import NAMES
from kzrules.language.tree import (
    Binary,
    Call,
    DurationLiteral,
    Entry,
    Expr,
    Field,
    IfExpr,
    In,
    Index,
    ListExpr,
    Literal,
    Name,
    ObjectExpr,
    Span,
    Spread,
    Template,
    Unary,
    With,
)
from kzrules.language.values import (
    FREE,
    add,
    divide,
    equal,
    greater,
    greater_or_equal,
    is_number,
    less,
    less_or_equal,
    multiply,
    remainder,
    said,
    subtract,
    text,
)
from kzrules.language.word import REQUIRED, Doing, Parameter, Word, Words

NOT_CONSTANT = "KZ306"
UNKNOWN_NAME = "KZ201"
UNKNOWN_WORD = "KZ202"
WRONG_VALUE = "KZ305"
LONGEST_DURATION = timedelta.max // timedelta(milliseconds=1)
SECRET_HERE = "KZ508"  # noqa: S105  the code of a finding


class Unknown(Exception):  # noqa: N818  it is no failure: the caller turns it into a finding
    """An expression has no value before the rules run. `code` None: somebody else says why."""

    def __init__(self, code: str | None, span: Span, message: str = "", way_out: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.span = span
        self.message = message
        self.way_out = way_out


class Constants:
    """Evaluates over the settings. `look_up` gives a setting's value, or raises `KeyError`."""

    def __init__(self, look_up: Callable[[str], Any], names: Mapping[str, Any], words: Words) -> None:
        self.look_up = look_up
        self.names = names
        self.words = words

    def value(self, expr: Expr) -> Any:  # noqa: C901, PLR0911  a case for each kind of expression
        """The value of a constant expression."""
        match expr:
            case Literal(value=value):
                return value
            case DurationLiteral(milliseconds=milliseconds):
                if milliseconds > LONGEST_DURATION:
                    raise Unknown(WRONG_VALUE, expr.span, "this duration is too long")
                return timedelta(milliseconds=milliseconds)
            case Template():
                return self._text(expr)
            case Name():
                return self._name(expr)
            case ListExpr(items=items):
                return [value for item in items for value in self._item(item)]
            case ObjectExpr():
                return self._object(expr)
            case With(base=base, changes=changes):
                return {**self._expect(base, dict), **self._object(changes)}
            case Unary() | Binary() | In() | IfExpr():
                return self._operation(expr)
            case Call():
                return self._call(expr)
            case Field() | Index():
                raise Unknown(
                    NOT_CONSTANT, expr.span, "a field of the payload is not known when the rules load"
                )
        raise Unknown(NOT_CONSTANT, expr.span, "this is not known when the rules load")

    def _text(self, expr: Template) -> str:
        parts = [part if isinstance(part, str) else self.value(part) for part in expr.parts]
        try:
            return "".join([text(part) for part in parts])
        except RuleFailure as failure:
            raise Unknown(WRONG_VALUE, expr.span, str(failure)) from failure

    def _name(self, expr: Name) -> Any:
        try:
            return self.look_up(expr.id)
        except KeyError:
            if expr.id in ("payload", "received", "meta"):
                text = f"`{expr.id}` is not known when the rules load"
                raise Unknown(NOT_CONSTANT, expr.span, text) from None
            text = f"there is no setting `{expr.id}`"
            way_out = NAMES.get(expr.id) or did_you_mean(
                expr.id, self.names, f'declare it: setting {expr.id} = "..."'
            )
            raise Unknown(UNKNOWN_NAME, expr.span, text, way_out) from None

    def _item(self, item: Expr | Spread) -> list[Any]:
        if isinstance(item, Spread):
            spread: list[Any] = self._expect(item.value, list)
            return spread
        return [self.value(item)]

    def _object(self, expr: ObjectExpr) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for entry in expr.entries:
            if isinstance(entry, Entry):
                made[self.value(entry.key)] = self.value(entry.value)
            else:
                made.update(self._expect(entry.value, dict))
        return made

    def _expect(self, expr: Expr, kind: type) -> Any:
        value = self.value(expr)
        if not isinstance(value, kind):
            raise Unknown(WRONG_VALUE, expr.span, f"this should be {KIND_SAID[kind]}, and is {said(value)}")
        return value

    def _operation(self, expr: Unary | Binary | In | IfExpr) -> Any:  # noqa: PLR0911  one for each operator
        match expr:
            case IfExpr(condition=condition, then=then, otherwise=otherwise):
                return self.value(then if self._expect(condition, bool) else otherwise)
            case In(item=item, choices=choices):
                wanted = self.value(item)
                return any(equal(wanted, choice) for choice in self._expect(choices, list))
            case Unary(op="not", operand=operand):
                return not self._expect(operand, bool)
            case Unary(operand=operand):
                return -self._number(operand)
            case Binary(op="??", left=left, right=right):
                value = self.value(left)
                return self.value(right) if value is None else value
            case Binary(op="and", left=left, right=right):
                return self._expect(left, bool) and self._expect(right, bool)
            case Binary(op="or", left=left, right=right):
                return self._expect(left, bool) or self._expect(right, bool)
            case Binary(op="==" | "!=" as op, left=left, right=right):
                return equal(self.value(left), self.value(right)) is (op == "==")
        return self._arithmetic(expr)

    def _number(self, expr: Expr) -> Any:
        value = self.value(expr)
        if not is_number(value) and not isinstance(value, timedelta):
            raise Unknown("KZ304", expr.span, f"this should be a number, and is {said(value)}")
        return value

    def _arithmetic(self, expr: Binary) -> Any:
        left, right = self.value(expr.left), self.value(expr.right)
        try:
            return OPERATORS[expr.op](left, right)
        except RuleFailure as failure:
            raise Unknown("KZ304", expr.span, str(failure)) from failure

    def _call(self, expr: Call) -> Any:
        if expr.name == "secret":
            text = "`secret(...)` may stand only where something logs in"
            raise Unknown(
                SECRET_HERE, expr.span, text, 'write it in the broker block: login: secret("broker")'
            )
        word = self.words.get(expr.name)
        if word is None:
            raise Unknown(None, expr.span)
        if not (word.pure and word.doing is Doing.VALUE and word.call is not None and not word.needs_run):
            raise Unknown(
                NOT_CONSTANT, expr.span, f"what `{expr.name}` gives is not known when the rules load"
            )
        try:
            pays = [FREE] if word.needs_budget else []
            return word.call(*pays, *self._arguments(expr, word))
        except RuleFailure as failure:
            raise Unknown(WRONG_VALUE, expr.span, _of_word(expr.name, failure)) from failure

    def _arguments(self, expr: Call, word: Word) -> list[Any]:
        placed = [argument.value for argument in expr.arguments if argument.name is None]
        named = {argument.name: argument.value for argument in expr.arguments if argument.name is not None}
        values: list[Any] = []
        for parameter in word.parameters:
            if parameter.rest:
                values.extend(self.value(given) for given in placed)
                placed = []
            elif placed and not parameter.named:
                values.append(self.value(placed.pop(0)))
            else:
                values.append(self._named(expr, parameter, named))
        return values

    def _named(self, expr: Call, parameter: Parameter, named: Mapping[str, Expr]) -> Any:
        if parameter.name in named:
            return self.value(named[parameter.name])
        if parameter.default is REQUIRED:
            raise Unknown("KZ301", expr.span, f"`{expr.name}` needs `{parameter.name}`")
        return parameter.default


def _of_word(name: str, failure: RuleFailure) -> str:
    """What a word said, with its name once."""
    text = str(failure)
    return text if text.startswith(name) else f"{name}: {text}"


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": less,
    "<=": less_or_equal,
    ">": greater,
    ">=": greater_or_equal,
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}

KIND_SAID: dict[type, str] = {list: "a list", dict: "an object", bool: "true or false"}
