"""A payload that a row of facts holds for: what shows that a route is taken by another one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kzrules.language.checking.reach_logic import Key, Place, key_of
from kzrules.language.checking.reach_names import normal
from kzrules.language.declaring.constant import OPERATORS
from kzrules.language.tree import Binary, Expr, Field, Index, Literal, Matches, Name


class NoPayload(Exception):  # noqa: N818  the finding then says so
    """No payload could be made up for this."""


def witness(places: Mapping[Expr, Place], name_fields: Mapping[str, str]) -> dict[str, Any] | None:
    """A payload, or None where none could be made up. `name_fields` give the route its name."""
    payload: dict[str, Any] = dict(name_fields)
    further: dict[Expr, list[tuple[Expr, bool]]] = {}
    try:
        for subject, place in places.items():
            if place.held is not None:
                further.setdefault(_looked_at(subject), []).append((subject, place.held))
        for subject, place in places.items():
            if place.held is None and subject not in further:
                _put(payload, subject, _choose(place))
        for subject, conditions in further.items():
            _put(payload, subject, _suitable(places.get(subject, Place()), conditions))
    except NoPayload:
        return None
    return payload


def _choose(place: Place) -> Any:
    """A value that fits."""
    if place.allowed is not None:
        fitting = sorted((key for key in place.allowed if place.fits(key)), key=_simplest_last, reverse=True)
        return fitting[0][1]
    start = place.prefix
    for text in (start, f"{start}x", f"{start}1001", f"{start}other", f"{start}something else"):
        if text and place.fits(("text", text)):
            return text
    raise NoPayload


def _simplest_last(key: Key) -> tuple[bool, str]:
    return key[0] != "null", str(key[1])


def _put(payload: dict[str, Any], subject: Expr, value: Any) -> None:
    """Set one place of the payload; what is not in the payload cannot be shown by it."""
    match subject:
        case Field(base=None | Name(id="payload" | "received"), name=name):
            payload[name] = value
        case Index(base=None, key=Literal(value=str() as name)):
            payload[name] = value
        case Field(base=Field() | Index() as base, name=name):
            inner: dict[str, Any] = _get(payload, base)
            inner[name] = value
            _put(payload, base, inner)
        case _:
            raise NoPayload


def _get(payload: dict[str, Any], subject: Expr) -> dict[str, Any]:
    match subject:
        case Field(base=None, name=name):
            found = payload.get(name)
            return dict(found) if isinstance(found, dict) else {}
        case Field(base=Field() as base, name=name):
            found = _get(payload, base).get(name)
            return dict(found) if isinstance(found, dict) else {}
    raise NoPayload


def _looked_at(condition: Expr) -> Expr:
    """The one place that an order or a pattern is about."""
    match condition:
        case Binary(op="<" | "<=" | ">" | ">=", left=Field() as place, right=Literal()):
            return place
        case Matches(subject=Field() as place):
            return place
    raise NoPayload


def _suitable(place: Place, conditions: Sequence[tuple[Expr, bool]]) -> Any:
    """A value that fits the place, and meets the orders and patterns as well."""
    candidates = [key[1] for key in place.allowed or ()]
    for condition, _ in conditions:
        candidates.extend(_candidates(condition))
    for value in candidates:
        key = key_of(value)
        if key is not None and place.fits(key) and all(_meets(one, value) is how for one, how in conditions):
            return value
    raise NoPayload


def _candidates(condition: Expr) -> Sequence[Any]:
    match condition:
        case Binary(right=Literal(value=int() | float() as limit)):
            return (limit, limit - 1, limit + 1)
        case Binary(right=Literal(value=str() as limit)):
            return (limit, "", f"{limit}x")
        case Matches(pattern=pattern):
            found = PLAIN.fullmatch(pattern.pattern)
            text = re.sub(r"\\(.)", r"\1", found[1]) if found is not None else ""
            return (text, f"{text}1", f"{text}x", *EXAMPLES)
    return ()


def _meets(condition: Expr, value: Any) -> bool | None:
    """Whether a value meets an order or a pattern; None: it would fail."""
    match condition:
        case Binary(op=op, right=Literal(value=limit)):
            number = isinstance(value, int | float) and isinstance(limit, int | float)
            if not (number or (isinstance(value, str) and isinstance(limit, str))):
                return None
            return bool(OPERATORS[op](value, limit))
        case Matches(pattern=pattern):
            import re2  # noqa: PLC0415  only where an example is wanted

            return isinstance(value, str) and re2.search(pattern.pattern, value) is not None
    return None


PLAIN = re.compile(r"\^?((?:[^\\.^$*+?()\[\]{}|]|\\[.\-+*/@])*)(?:\.\*)?\$?")


EXAMPLES = ("", "x", "sip:1001@acme.example.com", "1001", "+4930123456", "acme")


def name_fields(name: str, key: str, subkey: str) -> dict[str, str]:
    """The fields that give a payload the name, for names of the module's own form."""
    found = re.fullmatch(r"kazoo:consumer-event-([^-]+)(?:-(.+))?", name)
    if found is None or normal(name) != name:
        return {}
    fields = {key: found[1]}
    if found[2] is not None:
        fields[subkey] = found[2].replace("-", "_")
    return fields
