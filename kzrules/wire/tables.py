"""AMQP field tables: the header values of messages. Called by `wire.properties` only.

The types are RabbitMQ's (they differ from the 0-9-1 document). Values become values of the rule
language: timestamps are integers (Unix seconds), decimals are decimals of the language, byte
arrays are base64 text, a NaN or an infinity is null, and text that is not UTF-8 keeps what can
be read. Nothing is ever written back from such values: `properties` repeats original bytes.
"""

import base64
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from kzrules.errors import PayloadError, RuleFailure

MAX_DEPTH = 64
"""Tables and arrays within one another; a frame could hold thousands."""

_U32 = struct.Struct(">I")
_DECIMAL = struct.Struct(">BI")

_FIXED: dict[int, struct.Struct] = {
    ord(code): struct.Struct(">" + form)
    for code, form in {
        "b": "b", "B": "B", "s": "h", "u": "H", "I": "i", "i": "I", "l": "q", "L": "q", "T": "Q",
        "f": "f", "d": "d",
    }.items()
}  # fmt: skip
_SIZES: dict[int, int] = {code: form.size for code, form in _FIXED.items()} | {
    ord("t"): 1,
    ord("V"): 0,
    ord("D"): 5,
}
_LONG = frozenset(b"SxAF")


def entries(table: bytes) -> Iterator[tuple[str, int, int, int]]:
    """Each entry of a table's content: its name, and where entry, value type and end are."""
    at, end = 0, len(table)
    try:
        while at < end:
            start, at = at, at + 1 + table[at]
            name = table[start + 1 : at].decode("utf-8", "replace")
            kind_at, at = at, _end_of(table, at)
            if at > end:
                break
            yield name, start, kind_at, at
    except (IndexError, struct.error):
        at = end + 1
    if at > end:
        raise PayloadError("the message's headers cannot be read: an entry ends beyond its table")


def _end_of(table: bytes, at: int) -> int:
    """Where the value ends whose type stands at `at`."""
    kind = table[at]
    if kind in _LONG:
        size: int = _U32.unpack_from(table, at + 1)[0]
        return at + 5 + size
    fixed = _SIZES.get(kind)
    if fixed is None:
        raise PayloadError(f"the message's headers cannot be read: AMQP knows no field type {chr(kind)!r}")
    return at + 1 + fixed


def decode(table: bytes, depth: int = 0) -> dict[str, Any]:
    """A table's content as an object of the language."""
    _check_depth(depth)
    return {name: _value(table, at, end, depth) for name, _, at, end in entries(table)}


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise PayloadError(f"the message's headers hold tables more than {MAX_DEPTH} deep")


def _value(table: bytes, at: int, end: int, depth: int) -> Any:  # noqa: PLR0911  one return a field type
    kind = table[at]
    form = _FIXED.get(kind)
    if form is not None:
        number: int | float = form.unpack_from(table, at + 1)[0]
        return number if not isinstance(number, float) or math.isfinite(number) else None
    match chr(kind):
        case "S":
            return table[at + 5 : end].decode("utf-8", "replace")
        case "t":
            return table[at + 1] != 0
        case "F":
            return decode(table[at + 5 : end], depth + 1)
        case "A":
            return _array(table[at + 5 : end], depth + 1)
        case "x":
            return base64.b64encode(table[at + 5 : end]).decode()
        case "D":
            scale, unscaled = _DECIMAL.unpack_from(table, at + 1)
            return float(Decimal(unscaled).scaleb(-scale))
        case _:  # V
            return None


def _array(content: bytes, depth: int) -> list[Any]:
    _check_depth(depth)
    values, at = [], 0
    try:
        while at < len(content):
            end = _end_of(content, at)
            if end > len(content):
                break
            values.append(_value(content, at, end, depth))
            at = end
    except (IndexError, struct.error):
        at = -1
    if at != len(content):
        raise PayloadError("the message's headers cannot be read: an array ends within a value")
    return values


def encode(values: Mapping[str, Any]) -> bytes:
    """The content of a table (without its length) that holds these values."""
    return b"".join([entry(name, value) for name, value in values.items()])


def entry(name: str, value: Any, depth: int = 0) -> bytes:
    """One entry: the name as a short string, and the value with its type."""
    try:
        short = name.encode()
    except UnicodeEncodeError:
        raise RuleFailure(f"the header {name!r} holds half a character in its name") from None
    if len(short) > 255:
        raise RuleFailure(f"the header {name[:40]!r}... has a name of {len(short)} bytes; AMQP takes 255")
    return bytes((len(short),)) + short + _encoded(name, value, depth)


def _encoded(name: str, value: Any, depth: int) -> bytes:  # noqa: PLR0911  one return a kind of value
    if depth > MAX_DEPTH:
        raise RuleFailure(f"the header {name!r} is more than {MAX_DEPTH} deep")
    match value:
        case str():
            return _long(b"S", _utf8(name, value))
        case bool():
            return b"t\x01" if value else b"t\x00"
        case int():
            return _integer(name, value)
        case float():
            return b"d" + struct.pack(">d", value)
        case None:
            return b"V"
        case dict():
            return _long(b"F", b"".join([entry(key, held, depth + 1) for key, held in value.items()]))
        case list() | tuple():
            return _long(b"A", b"".join([_encoded(name, held, depth + 1) for held in value]))
        case _:
            return _other(name, value)


def _utf8(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise RuleFailure(f"the header {name!r} holds half a character") from None


def _long(kind: bytes, content: bytes) -> bytes:
    return kind + _U32.pack(len(content)) + content


def _integer(name: str, value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"I" + struct.pack(">i", value)
    if -(2**63) <= value < 2**63:
        return b"l" + struct.pack(">q", value)
    raise RuleFailure(f"the header {name!r} holds an integer of more than 64 bits; AMQP has none")


def _other(name: str, value: Any) -> bytes:
    """What our own code may put into headers, beside the language's values."""
    makers: dict[type, Callable[[Any], bytes]] = {
        bytes: lambda raw: _long(b"x", raw),
        datetime: lambda when: b"T" + struct.pack(">Q", int(when.timestamp())),
        Decimal: _decimal,
    }
    make = makers.get(type(value))
    if make is None:
        raise RuleFailure(f"the header {name!r} is a duration or another value that AMQP has no type for")
    return make(value)


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or sign or exponent > 0 or exponent < -255:
        return b"d" + struct.pack(">d", float(value))
    unscaled = int("".join(map(str, digits)))
    return b"D" + _DECIMAL.pack(-exponent, unscaled) if unscaled < 2**32 else b"d" + struct.pack(">d", value)
