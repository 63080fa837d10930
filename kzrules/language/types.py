"""What can be known of a value before the rules run: its kinds, and for objects their fields.

`None` in place of kinds means that nothing is known; nothing is then claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kzrules.language.values import kind_of
from kzrules.language.word import Kind

Known = frozenset[Kind] | None
"""The kinds that a value can have; None: any, for all that is known."""

TRUTH: Known = frozenset({Kind.TRUTH})
TEXT: Known = frozenset({Kind.TEXT})
INTEGER: Known = frozenset({Kind.INTEGER})
DECIMAL: Known = frozenset({Kind.DECIMAL})
LIST: Known = frozenset({Kind.LIST})
OBJECT: Known = frozenset({Kind.OBJECT})
DURATION: Known = frozenset({Kind.DURATION})
NULL: Known = frozenset({Kind.NULL})
NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL})
NOTHING: Known = frozenset()
"""What a word gives that gives no value."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema says about one place of the payload.

    `values` None: any. `fields` None: no fields are named. `closed`: no others may be there.
    """

    kinds: Known = None
    fields: Mapping[str, "Shape"] | None = None
    required: frozenset[str] = frozenset()
    values: tuple[Any, ...] | None = None
    items: "Shape | None" = None
    named: bool = field(default=False)
    """True: the schema means to name every field that there is."""


@dataclass(frozen=True, slots=True)
class Info:
    """What is known of one expression. `shape` is there for places that a schema describes."""

    kinds: Known = None
    shape: Shape | None = None


UNKNOWN = Info()


def of_value(value: Any) -> Known:
    """The kind of a constant; null says nothing about what else may stand there."""
    return None if value is None else frozenset({kind_of(value)})


def either(one: Known, other: Known) -> Known:
    """The kinds of a value that is one or the other."""
    return None if one is None or other is None else one | other


def without_null(kinds: Known) -> Known:
    """The kinds once null has been replaced."""
    return None if kinds is None else kinds - {Kind.NULL}


def cannot_be(kinds: Known, wanted: frozenset[Kind]) -> bool:
    """True only where it is certain that the value has none of these kinds."""
    return bool(kinds) and kinds is not None and not kinds & wanted


def never_equal(one: Known, other: Known) -> bool:
    """True where two values cannot be equal for their kinds."""
    if not one or not other:
        return False
    return not _comparable(one) & _comparable(other)


def _comparable(kinds: frozenset[Kind]) -> frozenset[Kind]:
    return kinds | NUMBERS if kinds & NUMBERS else kinds


ARTICLES = {
    Kind.NULL: "null",
    Kind.TRUTH: "true or false",
    Kind.INTEGER: "an integer",
    Kind.DECIMAL: "a decimal",
    Kind.TEXT: "text",
    Kind.LIST: "a list",
    Kind.OBJECT: "an object",
    Kind.DURATION: "a duration",
}


def said(kinds: frozenset[Kind]) -> str:
    """Kinds as a sentence needs them: `text or a list`."""
    names = [ARTICLES[kind] for kind in Kind if kind in kinds]
    if kinds >= NUMBERS:
        names = [name for name in names if name not in ("an integer", "a decimal")]
        names.insert(0, "a number")
    if len(names) > 1 and "null" in names:
        names.remove("null")
    return " or ".join(([", ".join(names[:-1])] if names[:-1] else []) + names[-1:]) or "nothing"


ANY_KEY = NUMBERS | {Kind.TEXT, Kind.TRUTH, Kind.LIST, Kind.NULL}
"""What can be a table's key."""
