"""Routing keys: payload fields become segments, segments become a key. Called by the word `key`.

The encoding is that of the kazoo module (`kz.encode`), so that keys made here bind and match
beside those that Kamailio and KAZOO make. One fault of the module is not copied: bytes above
127 are written as proper upper-case hexadecimal of their UTF-8.
"""

from collections.abc import Iterable

from kzrules.errors import RuleFailure

MAX_BYTES = 255
"""AMQP's limit: a routing key is a short string."""

_WHOLE_WILDCARDS = frozenset({"#", "*"})
_OTHERS: dict[type, str] = {list: "a list", dict: "an object"}
_UNCHANGED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_"


def _escape(byte: int) -> str:
    if byte in _UNCHANGED:
        return chr(byte)
    return "+" if byte == 0x20 else f"%{byte:02X}"


_ASCII = {byte: _escape(byte) for byte in range(128)}
_BYTES = tuple(_escape(byte) for byte in range(256))


def encode_segment(text: str) -> str:
    """One segment, with everything that would part or widen a key written as `%XX`; `#` or `*` alone stay."""
    if text in _WHOLE_WILDCARDS:
        return text
    if text.isascii():
        return text.translate(_ASCII)
    try:
        return "".join([_BYTES[byte] for byte in text.encode()])
    except UnicodeEncodeError:
        raise RuleFailure(f"no routing key can be made of {text!r}: it holds half a character") from None


def join_segments(segments: Iterable[object]) -> str:
    """Encode each segment and join them with dots; a missing or empty segment is a failure of the rule."""
    return checked_key(".".join([_segment(value, place) for place, value in enumerate(segments, 1)]))


def _segment(value: object, place: int) -> str:
    match value:
        case str() if value:
            return encode_segment(value)
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > 8 * MAX_BYTES:
            raise RuleFailure(
                f"segment {place} of the routing key is a number of more than {MAX_BYTES} digits"
            )
        case int() | float():
            return encode_segment(str(value))
        case None:
            raise RuleFailure(f"segment {place} of the routing key is missing (null)")
        case "":
            raise RuleFailure(f"segment {place} of the routing key is empty text")
        case _:
            what = _OTHERS.get(type(value), "a duration")
            raise RuleFailure(f"segment {place} of the routing key is no text but {what}")


def checked_key(key: str) -> str:
    """The key itself, when AMQP can carry it: at most 255 bytes of UTF-8."""
    if len(key) <= MAX_BYTES and key.isascii():
        return key
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise RuleFailure(f"{key[:60]!r} is no routing key: it holds half a character") from None
    if size > MAX_BYTES:
        raise RuleFailure(f"the routing key {key[:60]!r}... has {size} bytes; AMQP takes {MAX_BYTES}")
    return key
