"""A message's properties: the flags and list of its content header, as raw bytes.

Deliveries carry them as they came; `Properties` decodes them when a rule asks. Retries and dead
letters repeat the original bytes, with headers of our own put in. Messages that rules publish
get theirs from `encode` or, in the common case, from `published`.
"""

import struct
from collections.abc import Collection, Mapping
from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.wire import tables

JSON_TYPE = "application/json"
TRANSIENT, PERSISTENT = 1, 2
"""Values of delivery_mode."""

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")

_BITS: dict[str, int] = {
    "content_type": 15,
    "content_encoding": 14,
    "headers": 13,
    "delivery_mode": 12,
    "priority": 11,
    "correlation_id": 10,
    "reply_to": 9,
    "expiration": 8,
    "message_id": 7,
    "timestamp": 6,
    "type": 5,
    "user_id": 4,
    "app_id": 3,
    "cluster_id": 2,
}
"""In the order in which the list holds them; the first property has the highest bit."""
_OCTETS = frozenset({"delivery_mode", "priority"})
_KNOWN = sum(1 << bit for bit in _BITS.values())
NAMES = frozenset(_BITS)


class Properties:
    """The properties of one message, decoded when they are first asked for."""

    __slots__ = ("_headers", "_spans", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._spans: dict[str, bytes] | None = None
        self._headers: dict[str, Any] | None = None

    @property
    def spans(self) -> dict[str, bytes]:
        """The properties that are there, each as the bytes of its value in the list."""
        if self._spans is None:
            self._spans = _split(self.raw)
        return self._spans

    def get(self, name: str) -> str | int | None:
        """One property other than `headers`; None where the message has none."""
        span = self.spans.get(name)
        return None if span is None else _plain(name, span)

    @property
    def headers(self) -> dict[str, Any]:
        """The headers as an object of the language; empty where there are none."""
        if self._headers is None:
            span = self.spans.get("headers")
            self._headers = {} if span is None else tables.decode(span[4:])
        return self._headers

    def as_object(self) -> dict[str, str | int]:
        """All that are there but `headers`: what a rule reads as `meta.properties`."""
        return {name: _plain(name, span) for name, span in self.spans.items() if name != "headers"}


def _split(raw: bytes) -> dict[str, bytes]:
    try:
        flags: int = _U16.unpack_from(raw)[0]
        if flags & ~_KNOWN:
            raise PayloadError(
                f"the message's properties cannot be read: unknown flags {flags & ~_KNOWN:#06x}"
            )
        return _walk(raw, flags)
    except (IndexError, struct.error):
        raise PayloadError("the message's properties cannot be read: their list is cut off") from None


def _walk(raw: bytes, flags: int) -> dict[str, bytes]:
    spans, at = {}, 2
    for name, bit in _BITS.items():
        if flags >> bit & 1:
            end = at + _size(name, raw, at)
            spans[name] = raw[at:end]
            at = end
    if at > len(raw):
        raise IndexError
    return spans


def _size(name: str, raw: bytes, at: int) -> int:
    if name == "headers":
        content: int = _U32.unpack_from(raw, at)[0]
        return 4 + content
    if name in _OCTETS:
        return 1
    return 8 if name == "timestamp" else 1 + raw[at]


def _plain(name: str, span: bytes) -> str | int:
    if name in _OCTETS:
        return span[0]
    if name == "timestamp":
        seconds: int = _U64.unpack(span)[0]
        return seconds
    return span[1:].decode("utf-8", "replace")


def _join(spans: Mapping[str, bytes]) -> bytes:
    flags, parts = 0, [b""]
    for name, bit in _BITS.items():
        span = spans.get(name)
        if span is not None:
            flags |= 1 << bit
            parts.append(span)
    parts[0] = _U16.pack(flags)
    return b"".join(parts)


def encode(headers: Mapping[str, Any] | None = None, **values: str | int | None) -> bytes:
    """The raw properties that hold these values, each under its AMQP name; None leaves one out.

    Text longer than AMQP takes, a name that is no property and a header that cannot be written
    are failures of the rule that asked.
    """
    spans = {name: _encoded(name, value) for name, value in values.items() if value is not None}
    if headers:
        spans["headers"] = _table(tables.encode(headers))
    return _join(spans)


def with_values(raw: bytes, **values: str | int | None) -> bytes:
    """The same properties, byte for byte, with these set, each under its AMQP name; None changes nothing."""
    new = {name: _encoded(name, value) for name, value in values.items() if value is not None}
    return _join({**Properties(raw).spans, **new})


def _table(content: bytes) -> bytes:
    return _U32.pack(len(content)) + content


def _encoded(name: str, value: str | int) -> bytes:
    if name not in NAMES or name == "headers":
        raise RuleFailure(f"AMQP has no message property {name!r}")
    if name in _OCTETS or name == "timestamp":
        return _number(name, value)
    return _short(name, value)


def _number(name: str, value: str | int) -> bytes:
    form = _U64 if name == "timestamp" else struct.Struct(">B")
    try:
        return form.pack(value)
    except struct.error:
        raise RuleFailure(f"the message property {name} cannot be {value!r}") from None


def _short(name: str, value: str | int) -> bytes:
    if not isinstance(value, str):
        raise RuleFailure(f"the message property {name} is text, not {value!r}")
    try:
        text = value.encode()
    except UnicodeEncodeError:
        raise RuleFailure(f"the message property {name} holds half a character") from None
    if len(text) > 255:
        raise RuleFailure(f"the message property {name} has {len(text)} bytes; AMQP takes 255")
    return bytes((len(text),)) + text


_COMMON = {
    mode: encode(content_type=JSON_TYPE, delivery_mode=mode, message_id="")[:-1]
    for mode in (TRANSIENT, PERSISTENT)
}


def published(message_id: str, *, persistent: bool = True) -> bytes:
    """The properties of a plain JSON message: content_type, delivery_mode, message_id. The fast path."""
    try:
        text = message_id.encode()
        return _COMMON[PERSISTENT if persistent else TRANSIENT] + bytes((len(text),)) + text
    except ValueError:  # half a character, or more than 255 bytes: `_short` says which
        return encode(content_type=JSON_TYPE, delivery_mode=1 + persistent, message_id=message_id)


_ASKED = (
    _U16.pack(
        sum(
            1 << _BITS[name]
            for name in (
                "content_type",
                "delivery_mode",
                "correlation_id",
                "reply_to",
                "expiration",
                "message_id",
            )
        )
    )
    + _short("content_type", JSON_TYPE)
    + bytes((TRANSIENT,))
)


_BETWEEN = sum(1 << _BITS[name] for name in ("content_encoding", "headers", "priority")) | 0x7F


def asked(msg_id: str, reply_to: str, seconds: float) -> bytes:
    """The properties of a question without headers, which nobody need answer after `seconds`."""
    expiration = b"%d" % max(1, int(seconds * 1000))
    try:
        name, back = msg_id.encode(), reply_to.encode()
        size = bytes((len(name),))
        parts = (
            _ASKED,
            size,
            name,
            bytes((len(back),)),
            back,
            bytes((len(expiration),)),
            expiration,
            size,
            name,
        )
        return b"".join(parts)
    except ValueError:  # half a character, or more than 255 bytes: `_short` says which
        return encode(
            content_type=JSON_TYPE,
            delivery_mode=TRANSIENT,
            correlation_id=msg_id,
            reply_to=reply_to,
            expiration=expiration.decode(),
            message_id=msg_id,
        )


def message_id(raw: bytes) -> str | int | None:
    """The message_id alone, as `Properties` has it, where no others need be split for it."""
    flags = raw[0] << 8 | raw[1] if len(raw) > 2 else 0
    if not flags & 0x80 or flags & _BETWEEN:  # none, or headers and rarer things before it
        return Properties(raw).get("message_id")
    try:
        at = 2
        if flags & 0x8000:
            at += 1 + raw[at]
        if flags & 0x1000:
            at += 1
        if flags & 0x0700:
            for bit in (0x0400, 0x0200, 0x0100):
                if flags & bit:
                    at += 1 + raw[at]
        end = at + 1 + raw[at]
    except IndexError:
        end = len(raw) + 1
    if end > len(raw):
        return Properties(raw).get("message_id")
    return raw[at + 1 : end].decode("utf-8", "replace")


def with_headers(
    raw: bytes,
    extra: Mapping[str, Any],
    *,
    without: Collection[str] = (),
    renamed: Mapping[str, str] | None = None,
    dropped: Collection[str] = (),
) -> bytes:
    """The same properties, byte for byte, with the headers `extra` added or replaced.

    `without` names headers to leave out, `renamed` headers that keep their value under another
    name, `dropped` properties to leave out. A message that is published again must not keep
    everything: the broker closes the channel over a `user_id` that is not ours, lets an
    `expiration` run in the queue that should keep it, and routes by a header `CC` or `BCC`.
    """
    spans = Properties(raw).spans
    new_names = renamed or {}
    gone = {*extra, *without}
    old = spans.get("headers", b"\0\0\0\0")[4:]
    kept = [_kept(old, entry, new_names) for entry in tables.entries(old) if entry[0] not in gone]
    content = b"".join(kept) + tables.encode(extra)
    changed = {name: span for name, span in spans.items() if name not in dropped}
    if content:
        changed["headers"] = _table(content)
    else:
        changed.pop("headers", None)
    return _join(changed)


def _kept(table: bytes, entry: tuple[str, int, int, int], new_names: Mapping[str, str]) -> bytes:
    name, start, kind_at, end = entry
    new = new_names.get(name)
    if new is None:
        return table[start:end]
    return bytes((len(new.encode()),)) + new.encode() + table[kind_at:end]
