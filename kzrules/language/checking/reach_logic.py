"""Conditions as rows of facts about places of the payload, and whether a row can hold at all.

Only equality, `in`, texts that begin with a text, and repeated conditions are understood; whatever
else a condition says is a fact of its own, about which nothing is claimed but that it cannot both
hold and not hold.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kzrules.language.tree import (
    Binary,
    Call,
    Expr,
    Field,
    In,
    Index,
    ListExpr,
    Literal,
    Matches,
    Name,
    Node,
    Regex,
    Spread,
    Unary,
    children,
)
from kzrules.language.word import Words

MOST = 128
"""Rows; a condition that needs more is left alone."""

Key = tuple[str, Any]
"""A constant that can be compared: true is not 1, and 1 is 1.0."""


class TooMuch(Exception):  # noqa: N818  it is no failure: nothing is claimed of the condition
    """The condition is too large to be proven."""


@dataclass(frozen=True, slots=True)
class Fact:
    """`subject` is one of `values` (or none of them), begins with `prefix` (or does not), or is itself
    a condition that holds (or does not).
    """

    subject: Expr
    holds: bool
    values: frozenset[Key] | None = None
    prefix: str | None = None


Row = tuple[Fact, ...]
"""Facts that hold together."""


@dataclass(slots=True)
class Place:
    """What a row says about one subject."""

    allowed: frozenset[Key] | None = None
    excluded: frozenset[Key] = frozenset()
    prefix: str = ""
    text: bool = False
    not_prefixes: tuple[str, ...] = ()
    held: bool | None = None

    def fits(self, key: Key) -> bool:
        """Whether a constant is possible here."""
        if key in self.excluded or (self.allowed is not None and key not in self.allowed):
            return False
        if key[0] != "text":
            return not self.text
        return str(key[1]).startswith(self.prefix) and not any(
            str(key[1]).startswith(one) for one in self.not_prefixes
        )


@dataclass(slots=True)
class Reading:
    """Reads conditions: `constant` gives the value of a literal or setting, or raises KeyError."""

    words: Words
    constant: Callable[[Expr], Any]
    tables: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, expr: Expr, *, holds: bool) -> list[Row]:
        """The rows of which one must hold; none: the condition cannot be so."""
        match expr:
            case Unary(op="not", operand=operand):
                return self.rows(operand, holds=not holds)
            case Binary(op="and" | "or" as op, left=left, right=right):
                one, other = self.rows(left, holds=holds), self.rows(right, holds=holds)
                return both(one, other) if (op == "and") is holds else _few([*one, *other])
            case Binary(op="==" | "!=" as op, left=left, right=right):
                return self._equality(expr, left, right, holds=(op == "==") is holds)
        return self._other(expr, holds=holds)

    def _equality(self, expr: Expr, left: Expr, right: Expr, *, holds: bool) -> list[Row]:
        for subject, value in ((left, right), (right, left)):
            keys = self._keys([value])
            if keys is not None and self._keys([subject]) is None:
                return self._values(subject, keys, holds=holds)
        return [self._opaque(Binary("==", left, right, span=expr.span), holds=holds)]

    def _other(self, expr: Expr, *, holds: bool) -> list[Row]:  # noqa: PLR0911  one for each form
        match expr:
            case Literal(value=bool() as value):
                return [()] if value is holds else []
            case In(item=item, choices=ListExpr(items=choices)):
                keys = self._keys(choices)
                if keys is not None:
                    return self._values(item, keys, holds=holds)
            case Call(name="starts_with", arguments=(subject, start)):
                text = self._keys([start.value])
                if text is not None and subject.name is None:
                    return self._begins(subject.value, text, holds=holds)
            case Matches(subject=place, pattern=Regex(pattern=pattern)) if self._is_pure(place):
                start_text, whole = literal_start(pattern)
                if whole:
                    return [(Fact(place, holds, prefix=start_text),)]
                opaque = self._opaque(expr, holds=holds)
                return [(Fact(place, holds, prefix=start_text), *opaque) if holds else opaque]
            case Field() | Index() | Name() if self._is_pure(expr):
                return [(Fact(expr, holds, frozenset({("truth", True)})),)]
        return [self._opaque(expr, holds=holds)]

    def _values(self, subject: Expr, keys: frozenset[Key], *, holds: bool) -> list[Row]:
        """`.X ?? "d" == "d"` holds for null too."""
        if isinstance(subject, Binary) and subject.op == "??":
            default = self._keys([subject.right])
            if default is not None:
                null = frozenset({("null", None)})
                subject, keys = subject.left, (keys | null if default <= keys else keys - null)
        if not self._is_pure(subject):
            return [self._opaque(subject, holds=holds)]
        return [(Fact(subject, holds, keys),)]

    def _begins(self, subject: Expr, text: frozenset[Key], *, holds: bool) -> list[Row]:
        ((kind, start),) = text
        if kind != "text" or not self._is_pure(subject):
            return [self._opaque(subject, holds=holds)]
        return [(Fact(subject, holds, prefix=start),)]

    def _opaque(self, expr: Expr, *, holds: bool) -> Row:
        return (Fact(expr, holds),) if self._is_pure(expr) else ()

    def _keys(self, exprs: Iterable[Expr | Spread]) -> frozenset[Key] | None:
        """The constants as keys; None where one of them is none."""
        found: set[Key] = set()
        for expr in exprs:
            key = None if isinstance(expr, Spread) else self._key(expr)
            if key is None:
                return None
            found.add(key)
        return frozenset(found)

    def _key(self, expr: Expr) -> Key | None:
        try:
            return key_of(self.constant(expr))
        except KeyError:
            return None

    def _is_pure(self, node: Node) -> bool:
        """Read twice it is the same: no table, and no word that acts or looks at a clock."""
        match node:
            case Call(name=name) if name not in self.words or not self.words[name].pure:
                return False
            case Name(id=name) if name in self.tables:
                return False
        return all(self._is_pure(child) for child in children(node))


def key_of(value: Any) -> Key | None:
    """A constant as a key; None for lists, objects and durations."""
    match value:
        case None:
            return ("null", None)
        case bool():
            return ("truth", value)
        case int() | float():
            return ("number", value)
        case str():
            return ("text", value)
    return None


def both(one: Sequence[Row], other: Sequence[Row]) -> list[Row]:
    """The rows that hold in both."""
    return _few([joined for a in one for b in other if model(joined := (*a, *b)) is not None])


def _few(rows: list[Row]) -> list[Row]:
    if len(rows) > MOST:
        raise TooMuch
    return rows


def model(row: Row) -> dict[Expr, Place] | None:
    """What a row says of each subject; None: it cannot hold."""
    places: dict[Expr, Place] = {}
    for fact in row:
        if not _add(places.setdefault(fact.subject, Place()), fact):
            return None
    return places if all(_possible(place) for place in places.values()) else None


def _add(place: Place, fact: Fact) -> bool:
    if fact.values is not None:
        if fact.holds:
            place.allowed = fact.values if place.allowed is None else place.allowed & fact.values
        else:
            place.excluded |= fact.values
    elif fact.prefix is not None:
        if not fact.holds:
            place.not_prefixes += (fact.prefix,)
            return True
        place.text = True
        longer, shorter = sorted((fact.prefix, place.prefix), key=len, reverse=True)
        place.prefix = longer
        return longer.startswith(shorter)
    else:
        if place.held is not None and place.held is not fact.holds:
            return False
        place.held = fact.holds
    return True


def _possible(place: Place) -> bool:
    if place.allowed is not None:
        return any(place.fits(key) for key in place.allowed)
    return not (place.text and any(place.prefix.startswith(one) for one in place.not_prefixes))


LITERAL_START = re.compile(r"\^((?:[^\\.^$*+?()\[\]{}|]|\\[.\-+*/])+)")


def literal_start(pattern: str) -> tuple[str, bool]:
    """The text that every match begins with, and whether the pattern says no more than that."""
    found = LITERAL_START.match(pattern)
    if found is None or "|" in pattern:
        return "", False
    text, rest = found[1], pattern[found.end() :]
    if rest[:1] in ("*", "?", "{"):
        text = re.sub(r"\\?.$", "", text)
    return re.sub(r"\\(.)", r"\1", text), not rest
