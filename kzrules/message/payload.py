"""JSON in and out: a body becomes an object, a value becomes a body.

The one place where it is decided what orjson and the standard library disagree about: integers
beyond 64 bits stay exact, NaN and infinite numbers are refused, a duplicate key's last value
counts, lone surrogates never come in and never go out. Called by `routing` and the words.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import orjson

from kzrules.errors import PayloadError, RuleFailure
from kzrules.message.identity import Identity

MAX_BYTES = 16 * 1024 * 1024
"""The largest body that is read or written, and the largest value of a rule."""
MAX_DEPTH = 200
"""How deep lists and objects may lie in each other; orjson writes no more than 254."""
MAX_VALUES = 200_000
"""The most that a body may hold: fields, items, lists and objects, all together. Sixteen megabytes of
`[],` are five million lists: half a gigabyte, and ten seconds in which no other thread runs."""
MAX_DIGITS = 4300
"""The longest integer, in and out: Python's own bound against quadratic conversions."""

_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG_RUN = b"0" * 19
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(body: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The object that a body holds; `PayloadError` says what is wrong and where."""
    value = loads_value(body, max_bytes)
    if value.__class__ is not dict:
        raise PayloadError(f"the payload is {_named(value)}, not an object")
    return value


def loads_value(body: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """The value that a body holds, whatever its kind."""
    if len(body) > max_bytes:
        raise PayloadError(f"the payload has {len(body)} bytes, more than the {max_bytes} allowed")
    if len(body) > MAX_VALUES:  # a smaller one cannot hold as many
        _check_values(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        if not _has_long_run(body):
            raise _not_json(wrong, body) from None
        value = _exact(body)
        _holds_decimal(value)
        return value
    # An integer beyond 64 bits has become a float: only where there is one the text is looked through.
    return _exact(body) if _holds_decimal(value) and _has_long_run(body) else value


def _has_long_run(body: bytes) -> bool:
    return _LONG_RUN in body.translate(_DIGITS)


def _check_values(body: bytes) -> None:
    """Before it is read: each value but the first stands behind a comma or a bracket."""
    if _values(body) <= MAX_VALUES:
        return
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # No more than a name and a text belong to one value: with more quotes there are too many values.
    if plain.count(b'"') > 4 * MAX_VALUES or _values(b"".join(plain.split(b'"')[::2])) > MAX_VALUES:
        raise PayloadError(f"the payload holds more than {MAX_VALUES} values")


def _values(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _exact(body: bytes) -> Any:
    """The standard library's decoder, where a number may not fit 64 bits."""
    try:
        text = body.decode()
        value = json.loads(text, parse_int=_integer, parse_float=_decimal, parse_constant=_constant)
        if _LONE_SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as wrong:
        raise PayloadError(f"not JSON: byte {wrong.start} is no UTF-8") from None
    except UnicodeEncodeError:
        raise PayloadError("not JSON: a text holds half of a surrogate pair") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as wrong:
        raise _not_json(wrong, body) from None
    return value


def _not_json(wrong: json.JSONDecodeError, body: bytes) -> PayloadError:
    if not body.strip():
        return PayloadError("not JSON: the payload is empty")
    if "ecursion" in wrong.msg or "depth" in wrong.msg:
        return _too_deep()
    return PayloadError(f"not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}")


def _too_deep() -> PayloadError:
    return PayloadError(f"lists and objects lie more than {MAX_DEPTH} deep in each other")


def _integer(digits: str) -> int:
    count = len(digits) - (digits[0] == "-")
    if count > MAX_DIGITS:
        raise PayloadError(f"an integer of {count} digits ({digits[:12]}...), more than {MAX_DIGITS}")
    return int(digits)


def _decimal(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise PayloadError(f"the number {digits[:40]} is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise PayloadError(f"not JSON: {name} is no number of JSON")


def _holds_decimal(value: Any) -> bool:
    """Whether there is a float in it; PayloadError where it is too deep.

    Level by level, so that no depth can exhaust the stack. To look at a body's values costs a part of
    reading them; to look through its bytes, once for long numbers and twice for brackets, cost six times
    as much as reading 20,000 bytes of text.
    """
    level, depth, decimal = _containers(value), 0, value.__class__ is float
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        inner = []
        for outer in level:
            for item in outer.values() if outer.__class__ is dict else outer:
                kind = item.__class__
                if kind is dict or kind is list:
                    inner.append(item)
                elif kind is float:
                    decimal = True
        level = inner
    return decimal


def _containers(value: Any) -> list[Any]:
    return [value] if value.__class__ is dict or value.__class__ is list else []


def _named(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a number"


# --- out -----------------------------------------------------------------------------------


def weigh(value: Any, depth: int = 0) -> int:
    """About how many bytes a value is when written, found without writing it.

    `RuleFailure` when it is larger than 16 MiB or deeper than the bound: values share their
    parts, so a small rule can say a value that would fill the machine when written out.
    """
    if value.__class__ is str:
        return len(value) + 2
    if value.__class__ is not dict and value.__class__ is not list:
        return 4
    if depth >= MAX_DEPTH:
        raise RuleFailure(f"lists and objects lie more than {MAX_DEPTH} deep in each other")
    total = 32 + 2 * len(value)  # a value of many small parts costs more time than bytes
    if value.__class__ is dict:
        total += sum(map(len, value))
        value = value.values()
    for item in value:
        kind = item.__class__
        if kind is str:
            total += len(item)
        elif kind is dict or kind is list:
            total += weigh(item, depth + 1)
            if total > MAX_BYTES:
                break
    if total > MAX_BYTES:
        raise _too_large()
    return total


def _too_large() -> RuleFailure:
    return RuleFailure(f"a value of more than {MAX_BYTES // 1024 // 1024} MiB")


def dumps(value: Any) -> bytes:
    """A value as compact JSON; `RuleFailure` where it has none or is too large."""
    weigh(value)
    try:
        body = orjson.dumps(value)
    except TypeError:
        body = _dumps_exact(value)
    if len(body) > MAX_BYTES:
        raise _too_large()
    return body


def _dumps_exact(value: Any) -> bytes:
    """What orjson refuses: integers beyond 64 bits, halves of surrogate pairs; and what is no JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_no_json)
    except ValueError:
        raise RuleFailure(f"a number that JSON cannot hold, or of more than {MAX_DIGITS} digits") from None
    return text.encode(errors="replace")


def _no_json(value: Any) -> NoReturn:
    what = "a duration is" if isinstance(value, timedelta) else f"{type(value).__name__} is"
    raise RuleFailure(f"{what} no value of JSON; divide a duration by 1s for a number of seconds")


def spaced(value: Any) -> str:
    """JSON as json-c writes it (`JSON_C_TO_STRING_SPACED`): the kazoo module's text of a container."""
    if value.__class__ is dict:
        inner = ", ".join(f"{_slashed(key)}: {spaced(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{ }"
    if value.__class__ is list:
        inner = ", ".join(spaced(item) for item in value)
        return f"[ {inner} ]" if inner else "[ ]"
    return _slashed(value)


def _slashed(value: Any) -> str:
    return dumps(value).decode().replace("/", "\\/")


# --- what the bus expects in each object ---------------------------------------------------

OURS = ("App-Name", "App-Version", "Node", "Msg-ID", "Server-ID")
"""Filled in where an object that goes out lacks them."""
TRANSPORT = frozenset(OURS)
"""With `AMQP-*`: what the transport put into an object, which `payload` leaves out."""


def without_transport(received: dict[str, Any]) -> dict[str, Any]:
    """The object that the sender meant."""
    return {key: value for key, value in received.items() if key not in TRANSPORT and key[:5] != "AMQP-"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """An `Identity` with its fields worked out once, for each message to carry."""

    app_name: str
    app_version: str
    node: str
    server_id: str

    @classmethod
    def of(cls, identity: Identity) -> "Stamp":
        """What this process puts on its messages."""
        return cls(identity.app_name, identity.app_version, identity.node, identity.server_id)


def encode(value: Any, identity: Stamp, msg_id: str) -> bytes:
    """A body as it goes out: `OURS` filled in where absent or null, `AMQP-*` left out, and the
    prefix `consumer://n/` of a `Server-ID` too (an answer to it would go nowhere).
    """
    if value.__class__ is not dict:
        return dumps(value)
    full = {key: item for key, item in value.items() if key[:5] != "AMQP-"}
    if full.get("App-Name") is None:
        full["App-Name"] = identity.app_name
    if full.get("App-Version") is None:
        full["App-Version"] = identity.app_version
    if full.get("Node") is None:
        full["Node"] = identity.node
    if full.get("Msg-ID") is None:
        full["Msg-ID"] = msg_id
    old = full.get("Server-ID")
    if old is None:
        full["Server-ID"] = identity.server_id
    elif old.__class__ is str and old[:11] == PINNED:
        full["Server-ID"] = plain_server_id(old) or identity.server_id
    return dumps(full)


PINNED = "consumer://"
"""`consumer://n/key`: a routing key with the number of the broker that it leads back through."""


def plain_server_id(text: str) -> str:
    """A `Server-ID` without the `consumer://n/` that each consumer on its way put before it."""
    while text[:11] == PINNED:
        _, _, text = text[11:].partition("/")
    return text


def pinned(key: str) -> tuple[str, int | None]:
    """A routing key as it goes out, and the number of the broker that it names; None where it names none."""
    if key[:11] != PINNED:
        return key, None
    number = key[11:].partition("/")[0]
    return plain_server_id(key), int(number) if number.isascii() and number.isdigit() else None
