"""What values of the language mean: kinds, equality, order, arithmetic, text, fields and places.

Compiled rules call these functions where Python's own operators would mean something else; words
use them too. All raise `RuleFailure` with a text that an author understands. Values are never
changed in place, so they may be shared.
"""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from kzrules.errors import RuleFailure
from kzrules.language.word import Kind, Value
from kzrules.message.payload import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, dumps

_LARGEST_INT = 10**MAX_DIGITS
_SMALL_INT = 1 << 64


class Budget(Protocol):
    """Who pays for work that grows with its input: the running event, in steps."""

    def spend(self, steps: int) -> None:
        """Take steps off the budget; `RuleFailure` when it is used up."""
        ...


class _Free:
    """Pays for everything: constants at load, and tests."""

    def spend(self, steps: int) -> None:
        """Nothing to pay."""


FREE: Budget = _Free()

_KINDS: dict[type, Kind] = {
    type(None): Kind.NULL,
    bool: Kind.TRUTH,
    int: Kind.INTEGER,
    float: Kind.DECIMAL,
    str: Kind.TEXT,
    list: Kind.LIST,
    dict: Kind.OBJECT,
    timedelta: Kind.DURATION,
}
_SAID: dict[type, str] = {
    type(None): "null",
    bool: "a truth value",
    int: "an integer",
    float: "a decimal",
    str: "text",
    list: "a list",
    dict: "an object",
    timedelta: "a duration",
}


def kind_of(value: Value) -> Kind:
    """The kind of a value."""
    return _KINDS[value.__class__]


def said(value: Value) -> str:
    """A value's kind as a sentence needs it: `a list`, `text`, `null`."""
    return _SAID.get(value.__class__) or str(value.__class__.__name__)


def is_number(value: Value) -> bool:
    """Integers and decimals; true and false are no numbers."""
    return value.__class__ is int or value.__class__ is float


def truth(value: Value) -> bool:
    """A condition: true or false. null counts as false (a missing field); all else is an error."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    raise RuleFailure(f"a condition is true or false, and this is {said(value)}")


# --- equality and order --------------------------------------------------------------------


def equal(left: Value, right: Value, budget: Budget = FREE, depth: int = 0) -> bool:
    """Equality at every depth: true is not 1, 1 is 1.0, and no kind is changed into another."""
    kind = left.__class__
    if kind is str:
        if right.__class__ is not str:
            return False
        if len(left) > 1024:
            budget.spend(len(left) >> 8)
        return bool(left == right)
    if kind is bool or right.__class__ is bool:
        return left is right
    if kind is list or kind is dict:
        return right.__class__ is kind and _same_inside(left, right, budget, depth)
    return bool(left == right)


def _same_inside(left: Any, right: Any, budget: Budget, depth: int) -> bool:
    if left is right:
        return True
    if len(left) != len(right):
        return False
    if depth > MAX_DEPTH:
        raise RuleFailure(f"lists and objects lie more than {MAX_DEPTH} deep in each other")
    budget.spend(8 + len(left))
    if left.__class__ is list:
        return all(equal(a, b, budget, depth + 1) for a, b in zip(left, right, strict=True))
    return all(key in right and equal(item, right[key], budget, depth + 1) for key, item in left.items())


def among(item: Value, choices: Value, budget: Budget = FREE) -> bool:
    """`item in choices`."""
    if choices.__class__ is not list:
        raise RuleFailure(f"`in` needs a list on its right side, and this is {said(choices)}")
    budget.spend(len(choices))
    return any(equal(item, choice, budget) for choice in choices)


def _ordered(operator: str, compare: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    def order(left: Value, right: Value) -> bool:
        one, other = left.__class__, right.__class__
        if (one is int or one is float) and (other is int or other is float):
            return compare(left, right)
        if one is other and (one is str or one is timedelta):
            return compare(left, right)
        raise RuleFailure(
            f"`{operator}` needs two numbers or two texts, and here are {said(left)} and {said(right)}"
        )

    return order


less = _ordered("<", lambda left, right: left < right)
less_or_equal = _ordered("<=", lambda left, right: left <= right)
greater = _ordered(">", lambda left, right: left > right)
greater_or_equal = _ordered(">=", lambda left, right: left >= right)


# --- arithmetic ----------------------------------------------------------------------------


def _wrong_kinds(operator: str, left: Value, right: Value) -> RuleFailure:
    hint = ""
    if operator == "+" and str in (left.__class__, right.__class__):
        hint = '; text is put together in a template: "{a}{b}"'
    return RuleFailure(f"`{operator}` needs two numbers, and here are {said(left)} and {said(right)}{hint}")


def _number(value: Value, operator: str, budget: Budget) -> Value:
    """A result within the bounds of the language."""
    if value.__class__ is int:
        if -_SMALL_INT < value < _SMALL_INT:
            return value
        if not -_LARGEST_INT < value < _LARGEST_INT:
            raise RuleFailure(f"the result of `{operator}` has more than {MAX_DIGITS} digits")
        budget.spend(value.bit_length() >> 6)
    elif value.__class__ is float and not math.isfinite(value):
        raise RuleFailure(f"the result of `{operator}` is too large for a decimal")
    return value


def _arithmetic(
    operator: str, count: Callable[[Any, Any], Any], allowed: frozenset[tuple[type, type]]
) -> Callable[..., Value]:
    def calculate(left: Value, right: Value, budget: Budget = FREE) -> Value:
        if (left.__class__, right.__class__) not in allowed:
            raise _wrong_kinds(operator, left, right)
        try:
            return _number(count(left, right), operator, budget)
        except ZeroDivisionError:
            raise RuleFailure(f"`{operator}` by zero") from None
        except OverflowError:
            raise RuleFailure(f"the result of `{operator}` is too large") from None

    return calculate


def _divide(left: Any, right: Any) -> Any:
    """Whole where it comes out whole: 6 / 2 is 3, 7 / 2 is 3.5."""
    if left.__class__ is int and right.__class__ is int and right and left % right == 0:
        return left // right
    return left / right


_NUMBERS = frozenset((one, other) for one in (int, float) for other in (int, float))
_DURATIONS = frozenset({(timedelta, timedelta)})
_SCALED = frozenset({(timedelta, int), (timedelta, float)})

add = _arithmetic("+", lambda left, right: left + right, _NUMBERS | _DURATIONS)
subtract = _arithmetic("-", lambda left, right: left - right, _NUMBERS | _DURATIONS)
multiply = _arithmetic(
    "*", lambda left, right: left * right, _NUMBERS | _SCALED | {(int, timedelta), (float, timedelta)}
)
divide = _arithmetic("/", _divide, _NUMBERS | _SCALED | _DURATIONS)
remainder = _arithmetic("%", lambda left, right: left % right, _NUMBERS)


def negative(value: Value) -> Value:
    """Unary minus."""
    if is_number(value) or value.__class__ is timedelta:
        return -value
    raise RuleFailure(f"a minus needs a number, and this is {said(value)}")


# --- text ----------------------------------------------------------------------------------

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


def duration_text(value: timedelta) -> str:
    """A duration as a rule would write it, in the largest unit that it is whole in: `90s`, `5m`."""
    milliseconds = round(value / timedelta(milliseconds=1))
    if not milliseconds:
        return "0s"
    size, unit = next(unit for unit in _UNITS if milliseconds % unit[0] == 0)
    return f"{milliseconds // size}{unit}"


def text(value: Value) -> str:  # noqa: PLR0911  one for each kind
    """A value in a template: null is empty, lists and objects are JSON."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(bounded_int(value))
    if kind is float:
        return repr(value)
    if kind is timedelta:
        return duration_text(value)
    return dumps(value).decode()


def bounded_int(value: int) -> int:
    """An integer that can be written: of at most 4,300 digits."""
    if -_LARGEST_INT < value < _LARGEST_INT:
        return value
    raise RuleFailure(f"an integer of more than {MAX_DIGITS} digits")


def bounded_text(value: str) -> str:
    """Text within the largest size of a value."""
    if len(value) > MAX_BYTES:
        raise RuleFailure(f"a text of more than {MAX_BYTES // 1024 // 1024} MiB")
    return value


# --- fields and places ---------------------------------------------------------------------


def field(base: Value, name: str) -> Value:
    """`base.name`: null where there is no such field, or no object."""
    return base.get(name) if base.__class__ is dict else None


def place(base: Value, key: Value) -> Value:
    """`base[key]`: a field by text, an item by number; null where there is none."""
    if base.__class__ is dict:
        return base.get(key) if key.__class__ is str else None
    if base.__class__ is list and key.__class__ is int and 0 <= key < len(base):
        return base[key]
    return None


def items_of(value: Value, budget: Budget, weight: int) -> list[Value]:
    """What `for v in value` runs over, paid for before it begins."""
    if value.__class__ is not list:
        raise RuleFailure(f"`for v in` needs a list, and this is {said(value)}")
    budget.spend(len(value) * weight)
    return value


def pairs_of(value: Value, budget: Budget, weight: int) -> Any:
    """What `for k, v in value` runs over."""
    if value.__class__ is not dict:
        raise RuleFailure(f"`for k, v in` needs an object, and this is {said(value)}")
    budget.spend(len(value) * weight)
    return value.items()


def spread_object(value: Value, budget: Budget) -> dict[str, Value]:
    """The object behind `...` or before `with`."""
    if value.__class__ is not dict:
        raise RuleFailure(f"only an object can be spread into an object, and this is {said(value)}")
    budget.spend(len(value))
    return value


def spread_list(value: Value, budget: Budget) -> list[Value]:
    """The list behind `...` in a list."""
    if value.__class__ is not list:
        raise RuleFailure(f"only a list can be spread into a list, and this is {said(value)}")
    budget.spend(len(value))
    return value


# --- keys of tables, lanes and copies ------------------------------------------------------

MOST_PARTS = 100
"""So many parts has a key at most: a list may hold one other list a million times."""


def hashable(key: Value) -> Any:
    """A key as Python can look it up: equal exactly where the language says so.

    Texts and numbers stand for themselves; true is not 1; a list is the row of its parts.
    """
    kind = key.__class__
    if kind is str or kind is int or kind is float or key is None:
        return key
    if kind is bool:
        return (bool, key)
    if kind is list:
        return _row(key, MOST_PARTS)[0]
    raise RuleFailure(f"a key is text, a number or a list of these, and this is {said(key)}")


def _row(parts: list[Value], left: int) -> tuple[Any, int]:
    """A list as a key, and how many parts may still follow."""
    left -= len(parts)
    if left < 0:
        raise RuleFailure(f"a key has {MOST_PARTS} parts at most")
    row: list[Any] = [list]
    for part in parts:
        if part.__class__ is list:
            made, left = _row(part, left)
            row.append(made)
        else:
            row.append(hashable(part))
    return tuple(row), left
