"""A payload that a row of facts holds for: what shows that a route is taken by another one."""

import re
from collections.abc import Mapping
from typing import Any

from kzrules.language.reach_logic import Key, Place
from kzrules.language.reach_names import normal
from kzrules.language.tree import Binary, Expr, Field, Index, Literal, Matches, Name


class NoPayload(Exception):  # noqa: N818  the finding then says so
    """No payload could be made up for this."""


def witness(places: Mapping[Expr, Place], name_fields: Mapping[str, str]) -> dict[str, Any] | None:
    """A payload, or None where none could be made up. `name_fields` give the route its name."""
    payload: dict[str, Any] = dict(name_fields)
    try:
        for subject, place in places.items():
            if place.held is None:
                _put(payload, subject, _choose(place))
        for subject, place in places.items():
            if place.held is not None:
                _satisfy(payload, subject, holds=place.held)
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


def _satisfy(payload: dict[str, Any], subject: Expr, *, holds: bool) -> None:
    """Choose a value for an order of numbers or texts, or a pattern without variety."""
    match subject:
        case Binary(op="<" | "<=" | ">" | ">=" as op, left=Field() as place, right=Literal(value=value)):
            _put(payload, place, _beside(op, value, holds=holds))
        case Matches(subject=Field() as place, pattern=pattern):
            _put(payload, place, _matching(pattern.pattern, holds=holds))
        case _:
            raise NoPayload


def _beside(op: str, value: Any, *, holds: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoPayload
    less = (op in ("<", "<=")) is holds
    return value - 1 if less else value + 1


PLAIN = re.compile(r"\^?((?:[^\\.^$*+?()\[\]{}|]|\\[.\-+*/@])*)(?:\.\*)?\$?")


def _matching(pattern: str, *, holds: bool) -> str:
    import re2  # noqa: PLC0415  only to show a pattern's example

    found = PLAIN.fullmatch(pattern)
    text = re.sub(r"\\(.)", r"\1", found[1]) if found is not None else ""
    for candidate in (text, f"{text}1", "", "x", "sip:1001@acme.example.com", "1001", "+4930123456", "acme"):
        if (re2.search(pattern, candidate) is not None) is holds:
            return candidate
    raise NoPayload


def name_fields(name: str, key: str, subkey: str) -> dict[str, str]:
    """The fields that give a payload the name, for names of the module's own form."""
    found = re.fullmatch(r"kazoo:consumer-event-([^-]+)(?:-(.+))?", name)
    if found is None or normal(name) != name:
        return {}
    fields = {key: found[1]}
    if found[2] is not None:
        fields[subkey] = found[2].replace("-", "_")
    return fields
