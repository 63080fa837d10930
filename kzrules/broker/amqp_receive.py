"""From bytes off the socket to batches of deliveries. Fed by `amqp`, read by `channel`.

Deliveries, returned messages, answers to basic.get and publisher confirms are recognised in place,
in one walk over what was read; every other frame goes to pika as it came. This is the hot path:
pika copies the rest of its buffer for every frame, makes four objects a delivery, and decodes
properties that few rules read, turning decimal headers into integers on the way.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from kzrules.broker import amqp_frames as frames
from kzrules.message.delivery import Delivery, Source

FRAME_END = frames.FRAME_END
_deliver_head = struct.Struct(">BHIIB").unpack_from
_content_head = struct.Struct(">BHIHHQ").unpack_from
_frame_head = struct.Struct(">BHI").unpack_from
_method_id = struct.Struct(">I").unpack_from
_tag_and_flag = struct.Struct(">QBB").unpack_from
_code = struct.Struct(">HB").unpack_from

_CONTENT = frozenset((frames.DELIVER, frames.RETURN, frames.GET_OK))


class BadFrame(Exception):  # noqa: N818  it names what came
    """What came is not AMQP 0-9-1, or breaks it: the connection cannot be used any further."""


class Returned(NamedTuple):
    """basic.return with its content: a mandatory message of ours that no queue took."""

    code: int
    text: str
    exchange: str
    routing_key: str
    properties: bytes
    body: bytes


NO_SOURCE = Source("", "", "", 0, 0)


class Inbound(Protocol):
    """What one channel does with what arrives on it (`channel.Channel`)."""

    source: Source | None
    batch: list[Delivery]

    def take_batch(self) -> None:
        """`batch` is complete: hand it over."""

    def take_unwanted(self, tag: int) -> None:
        """A delivery that came after the consumer was cancelled."""

    def take_returned(self, returned: Returned) -> None:
        """A message of ours came back; its confirm follows."""

    def take_got(self, got: Delivery) -> None:
        """The answer to basic.get; its source is not known here."""

    def take_nothing(self) -> None:
        """The answer to basic.get where the queue is empty."""

    def take_confirm(self, tag: int, *, multiple: bool, ok: bool) -> None:
        """A publisher confirm, or with `ok` false its opposite."""


class Arrivals(NamedTuple):
    """What a channel gives pika to call back with, and how it asks for one message.

    Here nothing is left for pika to call back; `amqp_stock` has other ways.
    """

    delivered: Callable[..., None] = lambda *_: None
    confirmed: Callable[..., None] = lambda *_: None
    get: Callable[[str], None] | None = None


@dataclass(slots=True)
class _Content:
    """A message of which not everything has come yet."""

    method: int
    arguments: bytes
    properties: bytes | None = None
    missing: int = 0
    parts: list[bytes] = field(default_factory=list)


def _text(raw: bytes) -> str:
    # RabbitMQ does not check that keys are UTF-8; a bad one must neither end the connection
    # nor change on its way to a delay queue and back.
    return raw.decode("utf-8", "surrogateescape")


class Receiver:
    """Walks over what was read, whatever the pieces it comes in.

    `other` is given every frame that is not recognised here, as raw bytes. `channels` maps a
    channel number to who takes what arrives there; frames for unknown channels go to `other`,
    content for them is dropped: it belongs to a channel that was closed meanwhile.
    """

    def __init__(self, other: Callable[[bytes], None], frame_max: int = 131_072) -> None:
        self.channels: dict[int, Inbound] = {}
        self.frame_max = frame_max
        self.stopped = False
        self._other = other
        self._rest = b""
        self._unfinished: dict[int, _Content] = {}
        self._touched: list[Inbound] = []

    def feed(self, data: bytes) -> None:
        """Take what was read; raises `BadFrame` where it is not AMQP."""
        buffer = self._rest + data if self._rest else data
        have = len(buffer)
        offset = 0
        while not self.stopped:
            offset = self._run_of_deliveries(buffer, offset, have)
            if have - offset < 8:
                break
            kind, number, size = _frame_head(buffer, offset)
            if size > self.frame_max or not (1 <= kind <= 3 or kind == 8):
                raise BadFrame(f"its bytes {buffer[offset : offset + 8]!r} start no AMQP 0-9-1 frame")
            end = offset + 7 + size
            if end >= have:
                break
            if buffer[end] != FRAME_END:
                raise BadFrame(f"a frame of {size} bytes does not end where it should")
            self._frame(kind, number, buffer, offset, end)
            offset = end + 1
        self._rest = b"" if self.stopped else buffer[offset:]
        self._flush()

    def stop(self) -> None:
        """The connection ends: whatever else comes is dropped."""
        self.stopped = True

    def attach(self, number: int, inbound: Inbound, _core: Any) -> Arrivals:
        """What arrives on channel `number` is for `inbound`."""
        self.channels[number] = inbound
        return Arrivals()

    def forget(self, number: int) -> None:
        """Channel `number` is closed; the number may come again for another one."""
        self.channels.pop(number, None)
        self._unfinished.pop(number, None)

    def _run_of_deliveries(self, buffer: bytes, offset: int, have: int) -> int:
        """Take deliveries as long as they lie whole and in one piece; where they do not, return."""
        channels = self.channels
        while have - offset > 12:
            kind, number, size, method, skip = _deliver_head(buffer, offset)
            channel = channels.get(number)
            if method != frames.DELIVER or kind != 1 or channel is None or channel.source is None:
                break
            header = offset + size + 8
            if have - header < 19:
                break
            header_kind, header_number, header_size, _, _, length = _content_head(buffer, header)
            content = header + header_size + 8
            after = content + length + 8 if length else content
            if (
                after > have
                or header_kind != 2
                or header_number != number
                or (length and _frame_head(buffer, content) != (3, number, length))
                or not buffer[header - 1] == buffer[content - 1] == buffer[after - 1] == FRAME_END
            ):
                break
            at = offset + 12 + skip
            tag, redelivered, width = _tag_and_flag(buffer, at)
            at += 10 + width
            key = at + 1
            batch = channel.batch
            if not batch:
                self._touched.append(channel)
            batch.append(
                Delivery(
                    channel.source,
                    tag,
                    redelivered != 0,
                    str(buffer[at - width : at], "utf-8", "surrogateescape"),
                    str(buffer[key : key + buffer[at]], "utf-8", "surrogateescape"),
                    buffer[header + 19 : content - 1],
                    buffer[content + 7 : after - 1] if length else b"",
                )
            )
            offset = after
        return offset

    def _frame(self, kind: int, number: int, buffer: bytes, offset: int, end: int) -> None:
        start = offset + 7
        if kind == 1 and number:
            method = _method_id(buffer, start)[0] if end - start >= 4 else 0
            if method in _CONTENT:
                self._unfinished[number] = _Content(method, buffer[start + 4 : end])
                return
            channel = self.channels.get(number)
            if channel is not None and self._answered(channel, method, buffer, start + 4):
                return
        elif kind in (2, 3):
            self._content(kind, number, buffer[start:end])
            return
        self._flush()
        self._other(buffer[offset : end + 1])

    def _answered(self, channel: Inbound, method: int, buffer: bytes, at: int) -> bool:
        match method:
            case frames.ACK | frames.NACK:
                tag = int.from_bytes(buffer[at : at + 8], "big")
                channel.take_confirm(tag, multiple=bool(buffer[at + 8] & 1), ok=method == frames.ACK)
            case frames.GET_EMPTY:
                channel.take_nothing()
            case _:
                return False
        return True

    def _content(self, kind: int, number: int, payload: bytes) -> None:
        content = self._unfinished.get(number)
        if content is None or (kind == 2) != (content.properties is None):
            if number not in self.channels:
                return
            raise BadFrame(f"content on channel {number} comes out of turn")
        if kind == 2:
            content.missing = int.from_bytes(payload[4:12], "big")
            content.properties = payload[12:]
        else:
            content.missing -= len(payload)
            content.parts.append(payload)
        if content.missing < 0:
            raise BadFrame(f"a body on channel {number} is longer than was announced")
        if content.missing == 0:
            del self._unfinished[number]
            channel = self.channels.get(number)
            if channel is not None:
                self._finished(channel, content, content.properties or b"", b"".join(content.parts))

    def _finished(self, channel: Inbound, content: _Content, properties: bytes, body: bytes) -> None:
        arguments = content.arguments
        if content.method == frames.RETURN:
            code, width = _code(arguments)
            at = 3 + width
            exchange, at_key = _short(arguments, at)
            key, _ = _short(arguments, at_key)
            channel.take_returned(Returned(code, _text(arguments[3:at]), exchange, key, properties, body))
            return
        at = 1 + arguments[0] if content.method == frames.DELIVER else 0
        tag = int.from_bytes(arguments[at : at + 8], "big")
        redelivered = arguments[at + 8] != 0
        exchange, at_key = _short(arguments, at + 9)
        key, _ = _short(arguments, at_key)
        source = channel.source or NO_SOURCE
        delivery = Delivery(source, tag, redelivered, exchange, key, properties, body)
        if content.method == frames.GET_OK:
            channel.take_got(delivery)
        elif channel.source is None:
            channel.take_unwanted(tag)
        else:
            if not channel.batch:
                self._touched.append(channel)
            channel.batch.append(delivery)

    def _flush(self) -> None:
        """Hand over what was gathered, before anything that came after it is looked at."""
        while self._touched:
            touched, self._touched = self._touched, []
            for channel in touched:
                channel.take_batch()


def _short(buffer: bytes, at: int) -> tuple[str, int]:
    """The short string at `at`, and where the next argument starts."""
    end = at + 1 + buffer[at]
    return _text(buffer[at + 1 : end]), end
