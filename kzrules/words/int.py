"""`int`: an integer out of a text or a number."""

import re
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import ANY, NUMBER, TEXT, Example, Parameter, Word
from kzrules.message.payload import MAX_DIGITS
from kzrules.words.arguments import refused

_DIGITS = re.compile(r"[+-]?[0-9]+")


def int_value(value: Any, default: Any = None) -> Any:
    """The integer."""
    if value.__class__ is int:
        return value
    if value.__class__ is float:
        return int(value)
    if value.__class__ is not str:
        raise refused("int", "value", value, "text or a number")
    digits = value.strip(" \t\r\n")
    if len(digits) <= MAX_DIGITS and _DIGITS.fullmatch(digits):
        return int(digits)
    if default is None:
        raise RuleFailure(f"int: {value[:60]!r} is no integer")
    return default


WORD = Word(
    name="int",
    about=(
        "An integer out of a text or a number. What stands behind the point of a decimal is cut "
        "off. A text that is no integer is a failure, unless a `default` is given."
    ),
    parameters=(
        Parameter("value", NUMBER | TEXT, "a text, an integer or a decimal"),
        Parameter(
            "default",
            ANY,
            "what to give in place of a text that is none; null for a failure",
            None,
            named=True,
        ),
    ),
    gives=ANY,
    examples=(
        Example('int("42")', gives="42"),
        Example('int(" -7 ")', gives="-7"),
        Example("int(3.9)", gives="3"),
        Example('int("x", default: 0)', gives="0"),
        Example('int("")', fails="is no integer"),
        Example('int("1.5")', fails="is no integer"),
        Example("int(true)", fails="this is a truth value"),
        Example("int(null)", fails="this is null"),
    ),
    call=int_value,
    group="values",
)
