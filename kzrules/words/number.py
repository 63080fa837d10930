"""`number`: a number out of a text: an integer where it is written as one, else a decimal."""

import math
import re
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import ANY, NUMBER, TEXT, Example, Parameter, Word
from kzrules.message.payload import MAX_DIGITS
from kzrules.words.arguments import refused

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def number_value(value: Any, default: Any = None) -> Any:
    """The number."""
    if value.__class__ is int or value.__class__ is float:
        return value
    if value.__class__ is not str:
        raise refused("number", "value", value, "text or a number")
    found = _read(value.strip(" \t\r\n"))
    if found is None and default is None:
        raise RuleFailure(f"number: {value[:60]!r} is no number")
    return default if found is None else found


def _read(digits: str) -> int | float | None:
    if len(digits) > MAX_DIGITS:
        return None
    if _INTEGER.fullmatch(digits):
        return int(digits)
    decimal = float(digits) if _DECIMAL.fullmatch(digits) else math.inf
    return decimal if math.isfinite(decimal) else None


WORD = Word(
    name="number",
    about=(
        "A number out of a text: an integer where it is written as one, else a decimal. A text "
        "that is no number is a failure, unless a `default` is given."
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
        Example('number("42")', gives="42"),
        Example('number("1.50")', gives="1.5"),
        Example('number("1e3")', gives="1000.0"),
        Example('number("NaN")', fails="is no number"),
        Example('number("1e999")', fails="is no number"),
        Example('number("-", default: 0)', gives="0"),
        Example("number([])", fails="this is a list"),
    ),
    call=number_value,
    group="values",
)
