"""Netstrings as Kamailio's evapi speaks them: `LENGTH:DATA,`. Called by `kamailio`, both ways.

evapi reads into a buffer of 32 KiB and discards what it cannot read; we discard as little as we
can: after a broken place we go on at the next thing that looks like the beginning of a frame.
"""

import re

LONGEST_FRAME = 32_767
"""Bytes of a frame with its length and its comma that evapi can take: a longer one fills its buffer,
and the next read of nothing counts as the end of the connection (evapi_dispatch.c, CLIENT_BUFFER_SIZE)."""
LONGEST_BODY = 32_000
"""What is left of it for a body, with room for the envelope."""
LONGEST_TAG = 63
"""Characters of the tag of an event for Kamailio: each may be escaped, and all must fit beside a body."""
LONGEST_READ = 1024 * 1024
"""The longest frame that is taken from Kamailio: what a script can put together is far smaller."""

BLOCK = 250
"""What goes to Kamailio fills whole blocks of these many bytes: see `aligned`."""

_HEAD = re.compile(rb"[ \t\r\n]*([0-9]{1,9}):")
_PART = re.compile(rb"[ \t\r\n]*[0-9]{0,9}")
_NO_LENGTH = 64 * 1024 * 1024
"""A length beyond this is garbage, and not worth being deaf for."""
_NEXT = re.compile(rb"[0-9]{1,9}:\{")


def framed(data: bytes) -> bytes:
    """One frame."""
    return b"%d:%b," % (len(data), data)


def aligned(data: bytes) -> bytes:
    """One frame for evapi, whose JSON is followed by blanks until its bytes fill whole blocks.

    evapi reads 32,767 bytes at most, from the beginning of a frame on, and cannot go on where a read
    ended among the digits of a length or just before a comma: it drops all that it has. Of frames in
    whole blocks a full read ends 17 bytes within one (32,767 = 131 * 250 + 17), which is neither.
    """
    room = -(-(len(data) + 7) // BLOCK) * BLOCK - 2  # seven: up to five digits, the colon and the comma
    inner = room - len(str(room - 5))
    return framed(data.ljust(inner))


class Netstrings:
    """What comes in, in pieces as the network cuts it; whole frames come out."""

    __slots__ = ("_limit", "_skip", "_waiting", "broken", "too_long")

    def __init__(self, limit: int = LONGEST_READ) -> None:
        self._limit = limit
        self._waiting = b""
        self._skip = 0  # bytes of a frame that is too long
        self.broken = 0
        """Places where what came was no frame."""
        self.too_long = 0
        """Frames that were passed over unread."""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now."""
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        buffer = self._waiting + data if self._waiting else data
        frames: list[bytes] = []
        at = 0
        while at < len(buffer):
            step = self._frame(buffer, at, frames)
            if step is None:
                break
            at = step
        self._waiting = buffer[at:]
        return frames

    def _frame(self, buffer: bytes, at: int, frames: list[bytes]) -> int | None:
        """Take the frame that begins here; where to go on, None when more must come first."""
        head = _HEAD.match(buffer, at)
        if head is None:
            part = _PART.match(buffer, at)
            return None if part is not None and part.end() == len(buffer) else self._resume(buffer, at)
        size, begin = int(head[1]), head.end()
        end = begin + size
        if size > _NO_LENGTH:
            return self._resume(buffer, begin - 1)
        if size > self._limit:
            return self._pass_over(buffer, begin, size)
        if end >= len(buffer):
            return None
        if not size or buffer[end] != 0x2C:
            return self._resume(buffer, begin - 1)
        frames.append(buffer[begin:end])
        return end + 1

    def _pass_over(self, buffer: bytes, begin: int, size: int) -> int:
        """A frame that is too long is not kept while it comes."""
        self.too_long += 1
        end = begin + size + 1
        self._skip = max(0, end - len(buffer))
        return min(end, len(buffer))

    def _resume(self, buffer: bytes, at: int) -> int:
        """Behind a broken place: the next thing that looks like a frame of ours."""
        self.broken += 1
        found = _NEXT.search(buffer, at + 1)
        return len(buffer) if found is None else found.start()
