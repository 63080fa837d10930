"""The frames that are written for every message, as bytes. Called by `channel` for each publish and ack.

pika builds three objects and makes three writes for a publish; here it is one `bytes`. The
layouts are those of the AMQP 0-9-1 specification, and tests hold them against pika's own.
"""

import struct
from typing import NamedTuple

from kzrules.broker.amqp_errors import NotSendable

FRAME_END = 0xCE
FRAME_METHOD, FRAME_HEADER, FRAME_BODY = 1, 2, 3

PUBLISH = 0x003C0028
RETURN = 0x003C0032
DELIVER = 0x003C003C
GET = 0x003C0046
GET_OK = 0x003C0047
GET_EMPTY = 0x003C0048
ACK = 0x003C0050
REJECT = 0x003C005A
NACK = 0x003C0078


class Outgoing(NamedTuple):
    """One message as it goes out; `properties` are raw, as `kzrules.wire.properties` encodes them."""

    exchange: str
    routing_key: str
    body: bytes
    properties: bytes
    mandatory: bool = True


_END = b"\xce"
_settle = struct.Struct(">BHIIQBB").pack
_publish_head = struct.Struct(">BHIIHB").pack
_content_head = struct.Struct(">BHIHHQ").pack
_frame_head = struct.Struct(">BHI").pack


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    """basic.ack."""
    return _settle(1, channel, 13, ACK, tag, multiple, FRAME_END)


def nack(channel: int, tag: int, *, multiple: bool, requeue: bool) -> bytes:
    """basic.nack: RabbitMQ 4.3 takes it for "given back", which does not count as a failed delivery."""
    return _settle(1, channel, 13, NACK, tag, multiple | requeue << 1, FRAME_END)


def reject(channel: int, tag: int, *, requeue: bool) -> bytes:
    """basic.reject: RabbitMQ 4.3 takes it for "failed"."""
    return _settle(1, channel, 13, REJECT, tag, requeue, FRAME_END)


def get(channel: int, queue: str) -> bytes:
    """basic.get, with an acknowledgement to come."""
    name = queue.encode()
    return _publish_head(1, channel, 8 + len(name), GET, 0, len(name)) + name + b"\x00" + _END


def publish(channel: int, message: Outgoing, frame_max: int) -> bytes:
    """basic.publish with its content: method, header, and as many body frames as the body needs."""
    exchange = short_string("exchange", message.exchange)
    routing_key = short_string("routing key", message.routing_key)
    body, properties = message.body, message.properties
    parts = [
        _publish_head(1, channel, 9 + len(exchange) + len(routing_key), PUBLISH, 0, len(exchange)),
        exchange,
        bytes((len(routing_key),)),
        routing_key,
        b"\x01\xce" if message.mandatory else b"\x00\xce",
        _content_head(2, channel, 12 + len(properties), 60, 0, len(body)),
        properties,
        _END,
    ]
    room = frame_max - 8
    if 0 < len(body) <= room:
        parts += (_frame_head(3, channel, len(body)), body, _END)
    else:
        for start in range(0, len(body), room):
            piece = body[start : start + room]
            parts += (_frame_head(3, channel, len(piece)), piece, _END)
    return b"".join(parts)


def short_string(what: str, text: str) -> bytes:
    """Text as AMQP sends names and keys: at most 255 bytes of UTF-8, or what came that was none."""
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > 255:
        raise NotSendable(f"the {what} {text[:40]!r}... has {len(raw)} bytes; AMQP takes 255 at most")
    return raw
